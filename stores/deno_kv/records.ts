import type { SessionRecord } from "../../src/record/record.ts";
import type { Awaitable } from "../../src/util/awaitable.ts";
import type { Clock } from "../../src/util/clock.ts";
import { STORE_TRIES } from "../../src/util/tries.ts";
import { toError, told } from "./database.ts";
import type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./like.ts";
import { type Head, isHead, joinParts, MOST_PARTS, toHead } from "./parts.ts";
import type { SubjectIndex } from "./subjects.ts";

/** What was last seen under a key. */
export interface Entry {
  readonly versionstamp: string | null;
  readonly head: Head | undefined;
}

/** The records of sessions, each under `[...prefix, key]` and its parts. */
export class Records {
  readonly #prefix: KvKeyLike;
  readonly #clock: Clock;
  readonly #index: SubjectIndex;
  /** What lay in the database when a record was read or written. */
  readonly #entries = new WeakMap<SessionRecord, Entry>();

  constructor(
    { prefix, clock, index }: { prefix: KvKeyLike; clock: Clock; index: SubjectIndex },
  ) {
    this.#prefix = prefix;
    this.#clock = clock;
    this.#index = index;
  }

  key(key: string, ...part: number[]): KvKeyLike {
    return [...this.#prefix, key, ...part];
  }

  /** The key of a record and of its parts. */
  keys(key: string, parts = 0): KvKeyLike[] {
    return [this.key(key), ...Array.from({ length: parts }, (_, index) => this.key(key, index))];
  }

  live({ head }: Entry): Head | undefined {
    return head && this.#clock() < head.expiresAt ? head : undefined;
  }

  known(previous: SessionRecord): Entry | undefined {
    return this.#clock() < previous.expiresAt ? this.#entries.get(previous) : undefined;
  }

  remember(record: SessionRecord, entry: Entry): SessionRecord {
    this.#entries.set(record, entry);
    return record;
  }

  async look(kv: KvLike, key: string): Promise<Entry> {
    return toEntry(await told(kv.get(this.key(key))));
  }

  /** The live record under a key, with its parts. */
  read(kv: KvLike, key: string): Promise<SessionRecord | undefined> {
    return kv.get(this.key(key)).then(
      (found) => this.#whole(kv, key, { entry: toEntry(found), tries: 0 }),
      (error) => Promise.reject(toError(error)),
    );
  }

  #whole(
    kv: KvLike,
    key: string,
    { entry, tries }: { entry: Entry; tries: number },
  ): Awaitable<SessionRecord | undefined> {
    const head = this.live(entry);
    if (!head || tries === STORE_TRIES) return undefined;
    if (head.parts === undefined) return this.remember({ ...head }, entry);
    return this.#join(kv, key, { count: head.parts, tries });
  }

  /** What one commit wrote has one versionstamp. */
  async #join(
    kv: KvLike,
    key: string,
    { count, tries }: { count: number; tries: number },
  ): Promise<SessionRecord | undefined> {
    const [first, ...parts] = await kv.getMany(this.keys(key, count));
    const entry = toEntry(first!);
    const texts = entry.head?.parts === count
      ? joinParts(parts.filter(({ versionstamp }) => versionstamp === entry.versionstamp), count)
      : undefined;
    if (!texts) return await this.#whole(kv, key, { entry, tries: tries + 1 });
    const { parts: _, ...latest } = entry.head!;
    return this.remember({ ...latest, ...texts }, entry);
  }

  /** Puts a record in the place of an old one, and its entry in the index. */
  set(
    atomic: KvAtomicLike,
    key: string,
    { record, old }: { record: SessionRecord; old: Head | undefined },
  ): void {
    const { head, parts } = toHead(record);
    const options = { expireIn: Math.max(Math.ceil(record.expiresAt - this.#clock()), 1) };
    atomic.set(this.key(key), head, options);
    parts.forEach((part, index) => atomic.set(this.key(key, index), part, options));
    for (let index = parts.length; index < (old?.parts ?? 0); index++) {
      atomic.delete(this.key(key, index));
    }
    this.#index.write(atomic, key, { from: old, to: head, options });
  }

  /** Takes a record away, and its entry in the index. */
  clear(atomic: KvAtomicLike, key: string, old: Head | undefined): void {
    for (const each of this.keys(key, old ? old.parts : MOST_PARTS)) atomic.delete(each);
    this.#index.write(atomic, key, { from: old });
  }
}

export function toEntry({ value, versionstamp }: KvEntryLike): Entry {
  return { versionstamp, head: isHead(value) ? value : undefined };
}
