import { SessionEndedError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import type { DeleteAllOptions } from "../../src/store/contract.ts";
import { GENERATION_KEPT } from "../../src/store/generation.ts";
import { since } from "../../src/store/list_order.ts";
import { STORE_TRIES } from "../../src/util/tries.ts";
import { commit, pause, toError, told } from "./database.ts";
import type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./like.ts";
import type { Head } from "./parts.ts";

/** How many entries one getMany() reads, and one commit checks. */
export const MOST_CHECKS = 10;
/** How many entries one request of a list reads. */
const BATCH = 500;

/** The end of all sessions of a subject, under `[...prefix, "subject", subject]`. */
interface End {
  /** The generation that it began. */
  readonly generation: number;
  /** The `sid` of the session that stays, if it is not of a generation before `since`. */
  readonly except: string | undefined;
  readonly since: number;
}

/** What the index holds of a record, under `[...prefix, "subject", subject, key]`. */
interface Indexed {
  readonly sid: string;
  readonly subjectAt: number;
  readonly generation: number;
  readonly expiresAt: number;
  readonly parts: number | undefined;
}

/** An entry of the index. */
export interface IndexEntry extends Indexed {
  /** Where the record lies. */
  readonly key: string;
  /** What makes a commit depend on the entry. */
  readonly check: { readonly key: KvKeyLike; readonly versionstamp: string | null };
}

/** Finds the records of a subject. */
export class SubjectIndex {
  readonly #prefix: KvKeyLike;

  constructor(prefix: KvKeyLike) {
    this.#prefix = prefix;
  }

  /**
   * Where the end of all sessions of a subject lies. The subject is there as JSON, as Deno KV takes two that are no
   * well-formed Unicode for one.
   */
  endKey(subject: string): KvKeyLike {
    return [...this.#prefix, "subject", JSON.stringify(subject)];
  }

  /** Has the entry follow what lies under a key. */
  write(
    atomic: KvAtomicLike,
    key: string,
    { from, to, options }: {
      from: Head | undefined;
      to?: Head;
      options?: { expireIn: number };
    },
  ): void {
    if (from?.subject !== undefined && from.subject !== to?.subject) {
      atomic.delete(this.#entryKey(from.subject, key));
    }
    if (to?.subject !== undefined && !(from && isSame(from, to))) {
      const { sid, expiresAt, parts } = to;
      const subjectAt = since(to);
      const generation = generationOf(to);
      const indexed: Indexed = { sid, subjectAt, generation, expiresAt, parts };
      atomic.set(this.#entryKey(to.subject, key), indexed, options);
    }
  }

  /** The entries of a subject, as many at a time as one getMany() reads and one commit checks. */
  async *entries(kv: KvLike, subject: string): AsyncGenerator<IndexEntry[]> {
    try {
      let entries: IndexEntry[] = [];
      const found = kv.list({ prefix: this.endKey(subject) }, { batchSize: BATCH });
      for await (const { key: path, value, versionstamp } of found) {
        const key = path.at(-1) as string;
        const check = { key: this.#entryKey(subject, key), versionstamp };
        entries.push({ ...value as Indexed, key, check });
        if (entries.length < MOST_CHECKS) continue;
        yield entries;
        entries = [];
      }
      if (entries.length > 0) yield entries;
    } catch (error) {
      throw toError(error);
    }
  }

  /** All entries of a subject, of those that became the subject's last first. */
  async newest(kv: KvLike, subject: string): Promise<IndexEntry[]> {
    const all: IndexEntry[] = [];
    for await (const entries of this.entries(kv, subject)) all.push(...entries);
    return all.sort((one, other) => other.subjectAt - one.subjectAt);
  }

  /** The present generation of a subject's sessions. */
  async generation(kv: KvLike, subject: string): Promise<number> {
    const { value } = await told(kv.get(this.endKey(subject)));
    return (value as End | null)?.generation ?? 0;
  }

  /** Begins a generation: no session of an older one comes into being from then on. */
  async raise(
    kv: KvLike,
    subject: string,
    { now, except }: DeleteAllOptions & { now: number },
  ): Promise<number> {
    const key = this.endKey(subject);
    for (let tries = 0; tries < STORE_TRIES; tries++) {
      if (tries > 0) await pause(tries);
      const { value, versionstamp } = await told(kv.get(key));
      const before = value as End | null;
      const generation = Math.max((before?.generation ?? 0) + 1, Math.floor(now));
      const since = except === undefined ? 0 : oldest(before, except);
      const end: End = { generation, except, since };
      const atomic = kv.atomic().check({ key, versionstamp });
      atomic.set(key, end, { expireIn: GENERATION_KEPT });
      if ((await commit(atomic)).ok) return generation;
    }
    throw new Error("Cannot end sessions: their end was written too often at the same time");
  }

  /**
   * Makes a commit depend on what was read of the end of all sessions.
   *
   * @throws {SessionEndedError} When the record is of an older generation.
   */
  guard(atomic: KvAtomicLike, record: SessionRecord, { value, versionstamp }: KvEntryLike): void {
    if (generationOf(record) < oldest(value as End | null, record.sid)) {
      throw new SessionEndedError(
        "Cannot store session: all sessions of its subject were ended; log in again",
      );
    }
    atomic.check({ key: this.endKey(record.subject!), versionstamp });
  }

  #entryKey(subject: string, key: string): KvKeyLike {
    return [...this.endKey(subject), key];
  }
}

/** Whether two records of a key have the same entry. */
function isSame(from: Head, to: Head): boolean {
  return from.subject === to.subject && from.sid === to.sid && since(from) === since(to) &&
    generationOf(from) === generationOf(to) && from.expiresAt === to.expiresAt &&
    from.parts === to.parts;
}

/** The generation that a record or an entry is of. */
export function generationOf({ generation = 0 }: Pick<SessionRecord, "generation">): number {
  return generation;
}

/** The oldest generation of which a session of a name may be. */
function oldest(end: End | null, sid: string): number {
  if (!end) return 0;
  return sid === end.except ? end.since : end.generation;
}
