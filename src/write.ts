import type { BoundedStore } from "./bounded_store.ts";
import type { Committing } from "./committing.ts";
import { SessionStoreError } from "./errors.ts";
import type { Plan } from "./plan.ts";
import { andThen, type Awaitable } from "./promise.ts";
import type { SessionRecord } from "./record.ts";
import { toMarker } from "./rotation.ts";
import type { Stored } from "./session_state.ts";
import type { StoreWrite } from "./store.ts";
import { hashToken, makeToken } from "./token.ts";

/** How often a new token is made when its key is taken, which has no chance of happening by chance. */
const CREATE_TRIES = 3;

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
  { store }: Committing,
  { current, operation, record }: { current: Stored } & Pick<Plan, "operation" | "record">,
  c: unknown,
): Awaitable<Stored | undefined> {
  const { token, key, record: previous } = current;
  if (operation === "replace") {
    return andThen(makeHome(store), (home) =>
      andThen(
        store.replace(key, { key: home.key, record }, previous, c),
        (written) => toStored(written, { ...home, record }),
      ));
  }
  return andThen(
    operation === "touch"
      ? store.touch(key, times(record), previous, c)
      : store.update(key, record, previous, c),
    (written) => toStored(written, { token, key, record }),
  );
}

/** Where a record is by what a store says of its write: a stateless one makes another token. */
function toStored(written: StoreWrite, place: Stored): Stored | undefined {
  if (written === false) return undefined;
  return typeof written === "string"
    ? { token: written, key: written, record: place.record }
    : place;
}

/**
 * Gives a session a new token, and leaves the way to it under the old one. Nobody knows the new token before the
 * old one leads to it, so that what a crash leaves in between opens nothing.
 */
export async function rotateTo(
  { store, rotation }: Committing,
  { current, record, now }: { current: Stored; record: SessionRecord; now: number },
  c: unknown,
): Promise<Stored | undefined> {
  const home = await makeHome(store);
  if (!await store.create(home.key, record, c)) return undefined;
  const { grace } = rotation!;
  const marker = await toMarker({ ...current, token: current.token! }, {
    successor: home.token,
    grace,
    now,
  });
  if (await store.update(current.key, marker, current.record, c)) return { ...home, record };
  await store.delete(home.key, c);
  return undefined;
}

/** A new token, and the key under which its session is kept. */
function makeHome(store: BoundedStore): Awaitable<{ token: string; key: string }> {
  const token = makeToken();
  if (store.capabilities.stateless) return { token, key: token };
  return andThen(hashToken(token), (key) => ({ token, key }));
}

function times({ lastSeenAt, renewedAt, expiresAt }: SessionRecord) {
  return { lastSeenAt, renewedAt, expiresAt };
}
