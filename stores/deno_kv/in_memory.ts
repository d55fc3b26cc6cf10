import type { KvAtomicLike, KvLike } from "./like.ts";

/** The longest delay of a timer, in milliseconds: it is an integer of 32 bits. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** Whether a database is the one in memory of `@deno/kv`, which waits for the first end of its entries with a timer. */
export function hasTimer(kv: KvLike): boolean {
  return "expirer" in kv;
}

/** The same database, but for ends that its timer can't wait for: it would fire at once, again and again. */
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
