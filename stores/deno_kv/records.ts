import type { SessionRecord } from "../../src/record/record.ts";
import type { Awaitable } from "../../src/util/awaitable.ts";
import type { Clock } from "../../src/util/clock.ts";
import { STORE_TRIES } from "../../src/util/tries.ts";
import { commit, resultOf, toError } from "./database.ts";
import type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./like.ts";
import { type Head, isHead, joinParts, MOST_PARTS, toHead } from "./parts.ts";
import type { SubjectIndex } from "./subjects.ts";

/** The last known entry of a key. */
export interface Entry {
  readonly versionstamp: string | null;
  readonly head: Head | undefined;
  /** The identifier of the write that stored its data. */
  readonly write: string | undefined;
}

/** The entry that a write replaces, and the generation of its subject if the write depends on it. */
export interface Seen {
  readonly entry: Entry;
  readonly end: KvEntryLike | undefined;
}

/** A key without an entry. */
export const NOTHING: Seen = {
  entry: { versionstamp: null, head: undefined, write: undefined },
  end: undefined,
};

/** The records of sessions, each under `[...prefix, key]` and its parts. */
export class Records {
  readonly #prefix: KvKeyLike;
  readonly #clock: Clock;
  readonly #index: SubjectIndex;
  /** The entries of records that were read or written. */
  readonly #entries = new WeakMap<SessionRecord, Entry>();

  constructor(
    { prefix, clock, index }: { prefix: KvKeyLike; clock: Clock; index: SubjectIndex },
  ) {
    this.#prefix = prefix;
    this.#clock = clock;
    this.#index = index;
  }

  key(key: string): KvKeyLike {
    return this.#prefix.concat(key);
  }

  /** Returns the keys of a record and of its parts. */
  keys(key: string, parts = 0): KvKeyLike[] {
    const whole = this.key(key);
    return [whole, ...Array.from({ length: parts }, (_, index) => whole.concat(index))];
  }

  live({ head }: Entry): Head | undefined {
    return head && this.#clock() < head.expiresAt ? head : undefined;
  }

  /** Returns the entry of a record when it was read or written. */
  known(previous: SessionRecord): Seen | undefined {
    const entry = this.#entries.get(previous);
    return entry && this.#clock() < previous.expiresAt ? { entry, end: undefined } : undefined;
  }

  #remember(record: SessionRecord, entry: Entry): SessionRecord {
    this.#entries.set(record, entry);
    return record;
  }

  /** Reads the entry of a key, and the generation of a subject. */
  async see(kv: KvLike, key: string, subject?: string): Promise<Seen> {
    if (subject === undefined) {
      return { entry: toEntry(await resultOf(kv.get(this.key(key)))), end: undefined };
    }
    const [head, end] = await resultOf(kv.getMany([this.key(key), this.#index.endKey(subject)]));
    return { entry: toEntry(head!), end };
  }

  /** Reads the live record under a key, with its parts. */
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
    if (head.parts === undefined) return this.#remember({ ...head }, entry);
    return this.#join(kv, key, { count: head.parts, tries });
  }

  /** All entries of one commit have the same versionstamp. */
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
    return this.#remember({ ...latest, ...texts }, entry);
  }

  /**
   * Starts a commit that depends on the known entry of a key.
   *
   * @throws {SessionEndedError} When all sessions of the record's subject were ended after its login started.
   */
  over(
    kv: KvLike,
    key: string,
    { seen: { entry, end }, record }: { seen: Seen; record?: SessionRecord },
  ): KvAtomicLike {
    const { versionstamp } = entry;
    const atomic = kv.atomic().check({ key: this.key(key), versionstamp });
    if (record && end) this.#index.guard(atomic, record, end);
    return atomic;
  }

  /** Replaces a record, and its entry in the index. */
  set(
    atomic: KvAtomicLike,
    key: string,
    { record, write, old }: { record: SessionRecord; write: string; old: Head | undefined },
  ): Head {
    const { head, parts } = toHead(record);
    const options = { expireIn: Math.max(Math.ceil(record.expiresAt - this.#clock()), 1) };
    const whole = this.key(key);
    atomic.set(whole, [head, write], options);
    parts.forEach((part, index) => atomic.set(whole.concat(index), part, options));
    for (let index = parts.length; index < (old?.parts ?? 0); index++) {
      atomic.delete(whole.concat(index));
    }
    this.#index.write(atomic, key, { from: old, to: head, options });
    return head;
  }

  /** Commits; `undefined` when another write was first, or when the response to an earlier attempt got lost. */
  commit(
    atomic: KvAtomicLike,
    record: SessionRecord,
    written: Omit<Entry, "versionstamp">,
  ): Promise<true | undefined> {
    return commit(atomic).then(({ ok, versionstamp = null }) => {
      if (!ok) return undefined;
      this.#remember(record, { versionstamp, ...written });
      return true;
    });
  }

  /** Deletes a record, and its entry in the index. */
  clear(atomic: KvAtomicLike, key: string, old: Head | undefined): void {
    for (const each of this.keys(key, old ? old.parts : MOST_PARTS)) atomic.delete(each);
    this.#index.write(atomic, key, { from: old });
  }
}

/**
 * Parses an entry: a record and the identifier of the write that stored its data, or only a record as version
 * 0.1 wrote it.
 */
export function toEntry({ value, versionstamp }: KvEntryLike): Entry {
  const isNamed = Array.isArray(value);
  const head: unknown = isNamed ? value[0] : value;
  if (!isHead(head)) return { versionstamp, head: undefined, write: undefined };
  return { versionstamp, head, write: isNamed ? value[1] : undefined };
}
