import type { SessionRecord } from "../../src/record/record.ts";
import type { DeleteAllOptions } from "../../src/store/contract.ts";
import { GENERATION_KEPT } from "../../src/store/generation_lifetime.ts";
import { refuseLateLogin } from "../../src/store/late_login.ts";
import { since } from "../../src/store/list_order.ts";
import { nextEnd, oldestOf, type SubjectEnd } from "../../src/store/subject_end.ts";
import { commit, resultOf, toError, untilEnded } from "./database.ts";
import type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./like.ts";
import type { Head } from "./parts.ts";

/** The number of entries that one getMany() reads and one commit checks. */
export const MOST_CHECKS = 10;
/** The number of entries that one request of a list reads. */
const BATCH = 500;

/** The entry of a record in the index, under `[...prefix, "subject", subject, key]`. */
interface Indexed {
  readonly sid: string;
  readonly subjectAt: number;
  readonly generation: number;
  readonly expiresAt: number;
  readonly parts: number | undefined;
}

/** An entry of the index. */
export interface IndexEntry extends Indexed {
  /** The key of the record. */
  readonly key: string;
  /** The check that makes a commit depend on the entry. */
  readonly check: { readonly key: KvKeyLike; readonly versionstamp: string | null };
}

/** The index of the records of subjects. */
export class SubjectIndex {
  readonly #prefix: KvKeyLike;

  constructor(prefix: KvKeyLike) {
    this.#prefix = prefix;
  }

  /**
   * Returns the key of the {@linkcode SubjectEnd} of a subject. The subject is encoded as JSON, because Deno KV
   * treats different ill-formed Unicode strings as equal.
   */
  endKey(subject: string): KvKeyLike {
    return [...this.#prefix, "subject", JSON.stringify(subject)];
  }

  /** Updates the entry of a record in the index. */
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

  /** Reads the entries of a subject, in batches for one getMany() and one commit. */
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

  /** Reads all entries of a subject, most recently bound first. */
  async newest(kv: KvLike, subject: string): Promise<IndexEntry[]> {
    const all: IndexEntry[] = [];
    for await (const entries of this.entries(kv, subject)) all.push(...entries);
    return all.sort((one, other) => other.subjectAt - one.subjectAt);
  }

  /** Returns the current generation of a subject's sessions. */
  async generation(kv: KvLike, subject: string): Promise<number> {
    const { value } = await resultOf(kv.get(this.endKey(subject)));
    return (value as SubjectEnd | null)?.generation ?? 0;
  }

  /** Starts a generation: from then on no session of an older generation can be stored. */
  async raise(
    kv: KvLike,
    subject: string,
    options: DeleteAllOptions & { now: number },
  ): Promise<number> {
    const key = this.endKey(subject);
    return await untilEnded(async () => {
      const { value, versionstamp } = await resultOf(kv.get(key));
      const end = nextEnd(value as SubjectEnd | null, options);
      const atomic = kv.atomic().check({ key, versionstamp });
      atomic.set(key, end, { expireIn: GENERATION_KEPT });
      return (await commit(atomic)).ok ? end.generation : undefined;
    });
  }

  /**
   * Makes a commit depend on the end of all sessions that was read.
   *
   * @throws {SessionEndedError} When the record is of an older generation.
   */
  guard(atomic: KvAtomicLike, record: SessionRecord, { value, versionstamp }: KvEntryLike): void {
    if (generationOf(record) < oldestOf(value as SubjectEnd | null, record.sid)) refuseLateLogin();
    atomic.check({ key: this.endKey(record.subject!), versionstamp });
  }

  #entryKey(subject: string, key: string): KvKeyLike {
    return [...this.endKey(subject), key];
  }
}

/** Checks whether two records of a key have the same entry. */
function isSame(from: Head, to: Head): boolean {
  return from.subject === to.subject && from.sid === to.sid && since(from) === since(to) &&
    generationOf(from) === generationOf(to) && from.expiresAt === to.expiresAt &&
    from.parts === to.parts;
}

/** Returns the generation of a record or an entry. */
export function generationOf({ generation = 0 }: Pick<SessionRecord, "generation">): number {
  return generation;
}
