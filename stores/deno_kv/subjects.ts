import { SessionEndedError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record.ts";
import type { DeleteAllOptions } from "../../src/store.ts";
import { commit, pause, toError, told } from "./database.ts";
import type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./like.ts";
import type { Head } from "./parts.ts";

/** How many entries one getMany() reads, and one commit checks. */
const MOST_CHECKS = 10;
/** How many entries one request of a list reads. */
const BATCH = 500;
/**
 * How long the end of all sessions is remembered, in milliseconds: longer than any login is on its way. More than
 * 24 days would be more than the timers of `@deno/kv` in memory can wait for.
 */
const REMEMBERED = 24 * 24 * 3_600_000;
/** How often the end of all sessions is written against others. */
const TRIES = 20;

/** Until when all sessions of a subject were ended, under `[...prefix, "subject", subject]`. */
interface End {
  readonly at: number;
  readonly except: string | undefined;
}

/** What the index holds of a record, under `[...prefix, "subject", subject, key]`. */
interface Indexed {
  readonly sid: string;
  readonly subjectAt: number;
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
      const indexed: Indexed = { sid, subjectAt: since(to), expiresAt, parts };
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

  /** Sees to it that no session that was a subject's until then comes into being. */
  async end(kv: KvLike, subject: string, options: DeleteAllOptions): Promise<void> {
    const key = this.endKey(subject);
    for (let tries = 0; tries < TRIES; tries++) {
      if (tries > 0) await pause(tries);
      const { value, versionstamp } = await told(kv.get(key));
      const atomic = kv.atomic().check({ key, versionstamp });
      atomic.set(key, latest(value as End | null, options), { expireIn: REMEMBERED });
      if ((await commit(atomic)).ok) return;
    }
    throw new Error("Cannot end sessions: their end was written too often at the same time");
  }

  /**
   * Makes a commit depend on what was read of the end of all sessions.
   *
   * @throws {SessionEndedError} When the record has been the subject's since before.
   */
  guard(
    atomic: KvAtomicLike,
    subject: string,
    { record, found }: { record: SessionRecord; found: KvEntryLike },
  ): void {
    const end = found.value as End | null;
    if (end && since(record) <= end.at && record.sid !== end.except) {
      throw new SessionEndedError("Cannot store session: all sessions of its subject were ended");
    }
    atomic.check({ key: this.endKey(subject), versionstamp: found.versionstamp });
  }

  #entryKey(subject: string, key: string): KvKeyLike {
    return [...this.endKey(subject), key];
  }
}

/** Whether two records of a key have the same entry. */
function isSame(from: Head, to: Head): boolean {
  return from.subject === to.subject && from.sid === to.sid && since(from) === since(to) &&
    from.expiresAt === to.expiresAt && from.parts === to.parts;
}

/** Since when a record is its subject's. */
function since({ subjectAt, createdAt }: SessionRecord): number {
  return subjectAt ?? createdAt;
}

/** The end that keeps what both ended: of two exceptions neither. */
function latest(known: End | null, { at, except }: DeleteAllOptions): End {
  if (!known || known.at < at) return { at, except };
  return { at: known.at, except: known.except === except ? except : undefined };
}
