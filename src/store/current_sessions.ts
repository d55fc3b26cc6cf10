import type { SessionRecord } from "../record/record.ts";
import { andThen, isPromiseLike } from "../util/awaitable.ts";
import type { SessionStore } from "./contract.ts";
import type { StoreGeneration } from "./store_generation.ts";

/** The operations of a store on its sessions. */
export type SessionOperations = Pick<
  SessionStore,
  "read" | "create" | "update" | "replace" | "touch" | "list"
>;

/** Returns the sessions of a store without those of older generations. */
export function currentSessions(
  store: SessionStore,
  generation: StoreGeneration,
): SessionOperations {
  /** The generations of records that were written without one, by their caller's object. */
  const written = new WeakMap<SessionRecord, number>();

  function stamped(record: SessionRecord, storeGeneration: number): SessionRecord {
    if (storeGeneration === 0) return record;
    written.set(record, storeGeneration);
    return { ...record, storeGeneration };
  }

  /** Returns the generation of a session that was read or written. */
  function ownOf(record: SessionRecord): number {
    return record.storeGeneration ?? written.get(record) ?? 0;
  }

  return {
    read(key, c, signal) {
      const current = generation.get(c, signal);
      if (!isPromiseLike(current)) return andThen(store.read(key, c, signal), ifCurrent, current);
      const reading = (async () => await store.read(key, c, signal))();
      return Promise.all([reading, current]).then(([record, current]) =>
        ifCurrent(record, current)
      );
    },
    create: (key, record, c, signal) =>
      andThen(generation.get(c, signal), (current) => {
        const { storeGeneration = current } = record;
        return store.create(key, stamped(record, storeGeneration), c, signal);
      }),
    update: (key, record, previous, c, signal) =>
      andThen(generation.get(c, signal), (current) => {
        const own = ownOf(previous);
        return own >= current && store.update(key, stamped(record, own), previous, c, signal);
      }),
    replace: (key, next, previous, c, signal) =>
      andThen(generation.get(c, signal), (current) => {
        const own = ownOf(previous);
        const { record, left } = next;
        const replacement = {
          ...next,
          record: stamped(record, own),
          ...left && { left: stamped(left, own) },
        };
        return own >= current && store.replace(key, replacement, previous, c, signal);
      }),
    touch: (key, times, previous, c, signal) =>
      andThen(
        generation.get(c, signal),
        (current) => ownOf(previous) >= current && store.touch(key, times, previous, c, signal),
      ),
    async *list(subject, page, c, signal) {
      // Sessions of another cookie have generations of their own.
      const generations = new Map<string, number>();
      for await (const session of store.list!(subject, page, c, signal)) {
        const { record } = session;
        const { cookieName = "" } = record;
        const current = generations.get(cookieName) ?? await generation.of(cookieName, c, signal);
        generations.set(cookieName, current);
        if (isCurrent(record, current)) yield session;
      }
    },
  };
}

function isCurrent({ storeGeneration = 0 }: Partial<SessionRecord>, current: number): boolean {
  return storeGeneration >= current;
}

function ifCurrent(
  record: SessionRecord | undefined,
  current: number,
): SessionRecord | undefined {
  return record && isCurrent(record, current) ? record : undefined;
}
