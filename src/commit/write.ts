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
        const stored = toStored(written, { current: place, record });
        if (stored) return stored;
        if (tries < CREATE_TRIES) return writeNew(store, record, c, tries + 1);
        const state = `the store held a session under ${CREATE_TRIES} new keys`;
        throw store.failure("create", { state }, c);
      }),
  );
}

/** The result of a write: that of the store, or the session under a new token. */
export type Written = StoreWrite | StoredSession;

/** Carries out a plan. Returns `false` when the record is gone or has changed. */
export function write(
  store: TimeoutStore,
  options: WriteOptions,
  c: unknown,
): Awaitable<Written> {
  const { current: { key, record: previous }, operation, record } = options;
  if (operation === "update") return store.update(key, record, previous, c);
  if (operation === "touch") return store.touch(key, timesOf(record), previous, c);
  return move(store, options, c);
}

/** Stores a session under a new token. */
function move(
  store: TimeoutStore,
  { current: { token, key, record: previous }, operation, record, now }: WriteOptions,
  c: unknown,
): Awaitable<Written> {
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
          toPlaced,
          { ...place, record },
        ),
    ));
}

/** A write over a stored record. */
interface WriteOptions extends Pick<Plan, "operation" | "record"> {
  readonly current: StoredSession;
  readonly now: number;
}

function toPlaced(written: StoreWrite, placed: StoredSession): Written {
  return written === true ? placed : written;
}

/** Returns the stored session after a write; `undefined` after none. A stateless store returns a new token. */
export function toStored(
  written: Written,
  { current: { token, key }, record }: {
    current: Omit<StoredSession, "record">;
    record: SessionRecord;
  },
): StoredSession | undefined {
  if (written === false) return undefined;
  if (typeof written === "object") return written;
  return written === true ? { token, key, record } : { token: written, key: written, record };
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
