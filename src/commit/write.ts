import { hashToken } from "../crypto/store_key.ts";
import { makeToken } from "../crypto/token.ts";
import { SessionStoreError } from "../errors.ts";
import type { SessionRecord, StoredSession } from "../record/record.ts";
import { timesOf } from "../record/renewal.ts";
import type { StoreWrite } from "../store/contract.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import { CREATE_TRIES } from "../util/tries.ts";
import type { CommitContext, Place } from "./context.ts";
import { replacedTrace, rotatedTrace } from "./rotation.ts";

/** A new token and its key. */
interface NewPlace extends Place {
  readonly token: string;
}

/** Stores a new session. */
export function writeNew(
  store: TimeoutStore,
  record: SessionRecord,
  c: unknown,
): Awaitable<StoredSession> {
  let tries = 1;
  const writeTo = (place: NewPlace): Awaitable<StoredSession> =>
    andThen(store.create(place.key, record, c), (written) => {
      const stored = toStored(written, { place, record });
      if (stored) return stored;
      if (tries++ < CREATE_TRIES) return andThen(makePlace(store), writeTo);
      const error = new SessionStoreError(
        `Cannot create session: the store held a session under ${CREATE_TRIES} new keys`,
      );
      throw store.toError(error, { operation: "create", c });
    });
  return andThen(makePlace(store), writeTo);
}

/** Carries out the plan of a commit. Returns `false` when the record is gone or has changed. */
export function write(_ready: unknown, context: CommitContext): Awaitable<StoreWrite> {
  const { config: { store }, next: { operation, record }, c } = context;
  const { key, record: previous } = context.place = context.current!;
  if (operation === "update") return store.update(key, record, previous, c);
  if (operation === "touch") return store.touch(key, timesOf(record), previous, c);
  return andThen(makePlace(store), move, context);
}

/** Stores a session under a new token. */
function move(place: NewPlace, context: CommitContext): Awaitable<StoreWrite> {
  context.place = place;
  const { config: { store, clock }, next: { operation, record }, c } = context;
  const { token, key, record: previous } = context.current!;
  const left = operation === "rotate"
    ? rotatedTrace(
      { token: token!, record: { ...previous, expiresAt: record.expiresAt } },
      place.token,
    )
    : replacedTrace(previous, { key: place.key, now: clock() });
  return andThen(left, (left) => store.replace(key, { key: place.key, record, left }, previous, c));
}

/** Returns the stored session after a write; `undefined` after none. A stateless store returns a new token. */
export function toStored(
  written: StoreWrite,
  { place: { token, key }, record }: { place: Place; record: SessionRecord },
): StoredSession | undefined {
  if (written === false) return undefined;
  return written === true ? { token, key, record } : { token: written, key: written, record };
}

/** Makes a new token and its key. */
export function makePlace(store: TimeoutStore): Awaitable<NewPlace> {
  const token = makeToken();
  if (store.capabilities.stateless) return { token, key: token };
  return andThen(hashToken(token), (key) => ({ token, key }));
}
