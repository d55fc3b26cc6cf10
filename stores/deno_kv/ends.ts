import type { SessionEndReason } from "../../src/record/end_reason.ts";
import type { OnSessionEnd } from "../../src/store/contract.ts";
import { hashText } from "../../src/util/hash.ts";
import { StoppableTimers } from "../../src/util/stoppable_timers.ts";
import type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./like.ts";
import { isOfDeno } from "./notifying.ts";

/** The number of counters, so that few ends share one. `Deno.Kv.watch` accepts ten keys. */
const COUNTERS = 8;

/** How long watchers wait when several records ended at once, and after a failure, in milliseconds. */
const PAUSE = 250;
const RETRY = 2000;
/** How long a watcher waits for the counters, in milliseconds. */
const PATIENCE = 2000;

/** The reasons, each at the index that stands for it in a counter. */
const REASONS = [undefined, "logout", "revoked", "evicted"] as const;

/** The parts of what an end adds to a counter: one end, the number of its reason, and the hash of its record. */
const END = 1n << 34n;
const REASON = 1n << 32n;
const TOTAL = 1n << 64n;

/** The watchers of a record, and its hash. */
interface Watched {
  readonly hash: number;
  readonly watchers: Set<OnSessionEnd>;
}

type Reader = ReturnType<ReturnType<NonNullable<KvLike["watch"]>>["getReader"]>;

/** The counters that are followed. */
interface Following {
  /** Settled when changes are noticed, or when the database does not answer. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

/**
 * The ends of sessions. Each adds to one of the counters under `[...prefix, "ended", 0]` and so on, in the commit that
 * ends it. Adding never conflicts with other commits. The difference between two values of a counter tells which
 * record has ended, or that several have: then each record of that counter may be one of them.
 */
export class Ends {
  readonly #prefix: KvKeyLike;
  readonly #watched = new Map<string, Watched>();
  #following: Following | undefined;

  constructor(prefix: KvKeyLike) {
    this.#prefix = prefix;
  }

  /** Adds the end of a record to a commit. */
  count(atomic: KvAtomicLike, key: string, reason?: SessionEndReason): void {
    const hash = hashText(key);
    const known = Math.max(REASONS.findIndex((each) => each === reason), 0);
    atomic.sum?.(this.#counter(hash % COUNTERS), END + REASON * BigInt(known) + BigInt(hash));
  }

  /** Notifies the watchers of this store of a record that has ended. */
  notify(key: string, reason?: SessionEndReason): void {
    for (const watcher of this.#watched.get(key)?.watchers ?? []) watcher(key, reason);
  }

  /**
   * Notifies a watcher of the end of a record, from now on.
   *
   * @param kv The database, if it may notify of writes of other processes.
   */
  async watch(
    kv: KvLike | undefined,
    key: string,
    onEnd: OnSessionEnd,
  ): Promise<() => Promise<void>> {
    const watcher: OnSessionEnd = (key, reason) => onEnd(key, reason);
    const watched = this.#watched.get(key) ?? { hash: hashText(key), watchers: new Set() };
    this.#watched.set(key, watched);
    watched.watchers.add(watcher);
    if (kv?.watch && isOfDeno(kv)) {
      await (this.#following ??= this.#follow(kv.watch.bind(kv))).ready;
    }
    return async () => {
      watched.watchers.delete(watcher);
      if (watched.watchers.size > 0 || this.#watched.get(key) !== watched) return;
      this.#watched.delete(key);
      if (this.#watched.size === 0) await this.stop();
    };
  }

  /** Stops following the counters. */
  async stop(): Promise<void> {
    const following = this.#following;
    this.#following = undefined;
    await following?.stop();
  }

  #counter(number: number): KvKeyLike {
    return [...this.#prefix, "ended", number];
  }

  /** Follows the counters until it is stopped. */
  #follow(watch: NonNullable<KvLike["watch"]>): Following {
    const keys = Array.from({ length: COUNTERS }, (_, number) => this.#counter(number));
    const timers = new StoppableTimers();
    let reader: Reader | undefined;
    let before: bigint[] | undefined;
    let isReady = false;
    let opened = () => {};
    const ready = Promise.race([
      new Promise<void>((resolve) => opened = resolve),
      timers.pause(PATIENCE),
    ]).then(() => void (isReady = true));
    const read = async () => {
      reader = watch(keys).getReader();
      for (;;) {
        const { value } = await reader.read();
        if (!value || timers.areStopped) return;
        const counts = value.map(toCount);
        opened();
        // The first watcher reads its record when this is ready.
        const isClear = before || isReady ? this.#compare(counts, before) : true;
        before = counts;
        // Changes that follow at once are read together.
        if (!isClear) await timers.pause(PAUSE);
      }
    };
    const run = async () => {
      while (!timers.areStopped) {
        // Records are also read at intervals, which reports that the database fails.
        await read().catch(() => {});
        opened();
        await timers.pause(RETRY);
      }
    };
    run();
    const stop = async () => {
      timers.stop();
      await reader?.cancel().catch(() => {});
    };
    return { ready, stop };
  }

  /** Notifies of the ends in changed counters; `false` when this includes records that may not have ended. */
  #compare(counts: readonly bigint[], before: readonly bigint[] | undefined): boolean {
    let isClear = true;
    for (const [number, count] of counts.entries()) {
      const change = before ? (count - (before[number] ?? 0n) + TOTAL) % TOTAL : TOTAL;
      if (change === 0n) continue;
      const isOne = change / END === 1n;
      const reason = isOne ? REASONS[Number(change / REASON % 4n)] : undefined;
      const hash = Number(change % REASON);
      for (const [key, watched] of [...this.#watched]) {
        const isMeant = isOne ? watched.hash === hash : watched.hash % COUNTERS === number;
        if (isMeant) this.notify(key, reason);
      }
      if (!isOne) isClear = false;
    }
    return isClear;
  }
}

function toCount({ value }: KvEntryLike): bigint {
  const count: unknown = Object(value)["value"];
  return typeof count === "bigint" ? count : 0n;
}
