import type { SessionRecord } from "../record/record.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { ConflictRetry } from "./conflict_retry.ts";

/**
 * Changes the record under a key of a store, and tries again after a concurrent change.
 *
 * @param options.change Returns the next record; `undefined` to leave the current one. It may run several times.
 * @returns The record as it is now; `false` when no try is left.
 */
export async function changeRecord(
  store: TimeoutStore,
  { key, change }: {
    key: string;
    change: (current: SessionRecord | undefined) => Awaitable<SessionRecord | undefined>;
  },
  c: unknown,
): Promise<SessionRecord | undefined | false> {
  const retry = new ConflictRetry(store.timeout);
  do {
    const current = await store.read(key, c);
    const next = await change(current);
    if (!next) return current;
    const isWritten = current ? store.update(key, next, current, c) : store.create(key, next, c);
    if (await isWritten) return next;
  } while (await retry.next());
  return false;
}
