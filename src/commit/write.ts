import { hashToken, makeToken } from "../crypto/token.ts";
import { SessionStoreError } from "../errors.ts";
import type { SessionRecord, SessionTimes, Stored } from "../record/record.ts";
import type { StoreWrite } from "../store/contract.ts";
import type { BoundedStore } from "../store/timeout_store.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import { CREATE_TRIES } from "../util/tries.ts";
import type { Committing } from "./context.ts";
import type { Plan } from "./plan.ts";
import { toReplaced, toRotated } from "./rotation.ts";

/** Stores a new session. */
export function putNew(
  { store }: Pick<Committing, "store">,
  record: SessionRecord,
  c: unknown,
  tries = 1,
): Awaitable<Stored> {
  return andThen(
    makeHome(store),
    (home) =>
      andThen(store.create(home.key, record, c), (written) => {
        const stored = toStored(written, { ...home, record });
        if (stored) return stored;
        if (tries < CREATE_TRIES) return putNew({ store }, record, c, tries + 1);
        throw new SessionStoreError(
          `Cannot create session: the store held a session under ${CREATE_TRIES} new keys`,
        );
      }),
  );
}

/** Does what was planned; `undefined` when the record is gone or another one by now. */
export function put(
  { store }: Pick<Committing, "store">,
  { current, operation, record, now }: PutOptions,
  c: unknown,
): Awaitable<Stored | undefined> {
  const { token, key, record: previous } = current;
  if (operation === "rotate" || operation === "replace") {
    return andThen(makeHome(store), (home) =>
      andThen(
        operation === "rotate"
          ? toRotated(
            { token: token!, record: { ...previous, expiresAt: record.expiresAt } },
            home.token,
          )
          : toReplaced(previous, now),
        (left) =>
          andThen(
            store.replace(key, { key: home.key, record, left }, previous, c),
            (written) => toStored(written, { ...home, record }),
          ),
      ));
  }
  return andThen(
    operation === "touch"
      ? store.touch(key, timesOf(record), previous, c)
      : store.update(key, record, previous, c),
    (written) => toStored(written, { token, key, record }),
  );
}

/** A write over a record that is stored. */
export interface PutOptions extends Pick<Plan, "operation" | "record"> {
  readonly current: Stored;
  readonly now: number;
}

/** Where a record is by what a store says of its write: a stateless one makes another token. */
function toStored(written: StoreWrite, place: Stored): Stored | undefined {
  if (written === false) return undefined;
  return typeof written === "string"
    ? { token: written, key: written, record: place.record }
    : place;
}

/** A new token, and the key under which its session is kept. */
function makeHome(store: BoundedStore): Awaitable<{ token: string; key: string }> {
  const token = makeToken();
  if (store.capabilities.stateless) return { token, key: token };
  return andThen(hashToken(token), (key) => ({ token, key }));
}

/** The times of a record. */
export function timesOf({ lastSeenAt, renewedAt, expiresAt }: SessionRecord): SessionTimes {
  return { lastSeenAt, renewedAt, expiresAt };
}
