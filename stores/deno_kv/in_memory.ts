import type { KvAtomicLike, KvLike } from "./like.ts";

/** The longest delay of a timer, in milliseconds: a 32-bit integer. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** Checks whether a database is the in-memory one of `@deno/kv`, which removes expired entries with a timer. */
export function hasTimer(kv: KvLike): boolean {
  return "expirer" in kv;
}

/**
 * Wraps the database to omit expiries beyond the longest delay of a timer: the timer would fire immediately,
 * again and again.
 */
export function withoutLateEnds(kv: KvLike): KvLike {
  return {
    get: (key) => kv.get(key),
    getMany: (keys) => kv.getMany(keys),
    list: (selector, options) => kv.list(selector, options),
    atomic: () => withoutLateSets(kv.atomic()),
    close: () => kv.close(),
  };
}

function withoutLateSets(atomic: KvAtomicLike): KvAtomicLike {
  const set = atomic.set.bind(atomic);
  atomic.set = (key, value, options) =>
    set(key, value, (options?.expireIn ?? 0) > LONGEST_DELAY ? undefined : options);
  return atomic;
}
