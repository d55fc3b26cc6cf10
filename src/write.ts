import type { BoundedStore } from "./bounded_store.ts";
import type { Committing } from "./committing.ts";
import type { Plan } from "./plan.ts";
import type { SessionRecord } from "./record.ts";
import { toMarker } from "./rotation.ts";
import type { Stored } from "./session_state.ts";
import { hashToken, makeToken } from "./token.ts";

/** Does what was planned; `undefined` when the record is gone or another one by now. */
export async function put(
  { store }: Committing,
  { current, operation, record }: { current: Stored } & Pick<Plan, "operation" | "record">,
  c: unknown,
): Promise<Stored | undefined> {
  let { token, key }: Omit<Stored, "record"> = current;
  if (operation === "replace") ({ token, key } = await makeHome(store));
  const written = operation === "touch"
    ? await store.touch(key, times(record), current.record, c)
    : operation === "update"
    ? await store.update(key, record, current.record, c)
    : await store.replace(current.key, { key, record }, current.record, c);
  if (written === false) return undefined;
  return typeof written === "string"
    ? { token: written, key: written, record }
    : { token, key, record };
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
export async function makeHome(store: BoundedStore): Promise<{ token: string; key: string }> {
  const token = makeToken();
  return { token, key: store.capabilities.stateless ? token : await hashToken(token) };
}

function times({ lastSeenAt, renewedAt, expiresAt }: SessionRecord) {
  return { lastSeenAt, renewedAt, expiresAt };
}
