import { hashToken } from "../crypto/store_key.ts";
import { makeToken } from "../crypto/token.ts";
import type { SessionRecord, SessionTimes, StoredSession } from "../record/record.ts";
import type { StoreWrite } from "../store/contract.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import { CREATE_TRIES } from "../util/tries.ts";
import type { Plan } from "./plan.ts";
import { replacedTrace, rotatedTrace } from "./rotation.ts";

/** Stores a new session. */
export function writeNew(
  store: TimeoutStore,
  record: SessionRecord,
  c: unknown,
  tries = 1,
): Awaitable<StoredSession> {
  return andThen(
    makePlace(store),
    (place) =>
      andThen(store.create(place.key, record, c), (written) => {
        const stored = toStored(written, { ...place, record });
        if (stored) return stored;
        if (tries < CREATE_TRIES) return writeNew(store, record, c, tries + 1);
        const state = `the store held a session under ${CREATE_TRIES} new keys`;
        throw store.failure("create", { state }, c);
      }),
  );
}

/** Carries out a plan. Returns `undefined` when the record is gone or has changed. */
export function write(
  store: TimeoutStore,
  options: WriteOptions,
  c: unknown,
): Awaitable<StoredSession | undefined> {
  const { current: { token, key, record: previous }, operation, record } = options;
  if (operation === "rotate" || operation === "replace") return move(store, options, c);
  return andThen(
    operation === "touch"
      ? store.touch(key, timesOf(record), previous, c)
      : store.update(key, record, previous, c),
    toStored,
    { token, key, record },
  );
}

/** Stores a session under a new token. */
function move(
  store: TimeoutStore,
  { current: { token, key, record: previous }, operation, record, now }: WriteOptions,
  c: unknown,
): Awaitable<StoredSession | undefined> {
  return andThen(makePlace(store), (place) =>
    andThen(
      operation === "rotate"
        ? rotatedTrace(
          { token: token!, record: { ...previous, expiresAt: record.expiresAt } },
          place.token,
        )
        : replacedTrace(previous, { key: place.key, now }),
      (left) =>
        andThen(
          store.replace(key, { key: place.key, record, left }, previous, c),
          toStored,
          { ...place, record },
        ),
    ));
}

/** A write over a stored record. */
interface WriteOptions extends Pick<Plan, "operation" | "record"> {
  readonly current: StoredSession;
  readonly now: number;
}

/** Returns the stored session after a write: a stateless store returns a new token. */
function toStored(written: StoreWrite, stored: StoredSession): StoredSession | undefined {
  if (written === false) return undefined;
  return typeof written === "string"
    ? { token: written, key: written, record: stored.record }
    : stored;
}

/** Makes a new token and its key. */
export function makePlace(store: TimeoutStore): Awaitable<{ token: string; key: string }> {
  const token = makeToken();
  if (store.capabilities.stateless) return { token, key: token };
  return andThen(hashToken(token), (key) => ({ token, key }));
}

/** The times of a record. */
export function timesOf({ lastSeenAt, renewedAt, expiresAt }: SessionRecord): SessionTimes {
  return { lastSeenAt, renewedAt, expiresAt };
}
