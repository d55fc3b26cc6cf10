import { SessionEndedError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record.ts";
import type { Clock, DeleteAllOptions, ListedSession, SessionStore } from "../../src/store.ts";
import { Entries } from "./entries.ts";
import { Marks } from "./marks.ts";

/** What {@linkcode Revocations} are given. */
export interface RevocationsOptions {
  /** The store on the server. */
  readonly store: SessionStore;
  readonly clock: Clock;
  /** The cookie whose sessions are listed. */
  readonly cookieName: string;
  /** Whether sessions are listed. */
  readonly index: boolean;
}

/** A record that is to be put into a cookie. */
export interface Admission {
  readonly record: SessionRecord;
  /** That of the cookie until now, if there was one. */
  readonly previous?: SessionRecord;
  /** Whether the cookies until now are to end. */
  readonly replaces?: boolean;
}

/** What a store on the server knows of sessions in cookies: which have ended, and which a subject has. */
export class Revocations {
  readonly #marks: Marks;
  readonly #entries: Entries | undefined;

  constructor({ store, clock, cookieName, index }: RevocationsOptions) {
    this.#marks = new Marks(store, clock);
    this.#entries = index ? new Entries(store, cookieName) : undefined;
  }

  /** Whether a cookie is worth nothing any more. */
  isRevoked(record: SessionRecord, c: unknown): Promise<boolean> {
    return this.#marks.isEnded(record, c);
  }

  /**
   * Whether a record may be put into a cookie: not when its session has ended. The list of its subject shows it
   * from then on.
   *
   * @throws {SessionEndedError} When all sessions of the subject were ended since the session became its own.
   */
  async admit(admission: Admission, c: unknown): Promise<boolean> {
    const { record, previous, replaces = false } = admission;
    const entries = this.#entries;
    const isListed = entries !== undefined && record.subject !== undefined;
    const wasListed = entries !== undefined && previous?.subject !== undefined;
    const isSame = record.subject === previous?.subject &&
      record.subjectAt === previous?.subjectAt;
    const leaves = wasListed && !isSame;
    // Older cookies would go on being those of a subject that lists them no more.
    const alone = replaces || leaves;

    const [isEnded, isLate, known] = await Promise.all([
      previous !== undefined && this.#marks.isEnded(previous, c),
      isListed && !isSame && this.#marks.isLate(record, c),
      isListed && isSame ? entries.read(record, c) : undefined,
    ]);
    if (isEnded) return false;
    if (isLate) {
      throw new SessionEndedError("Cannot store session: all sessions of its subject were ended");
    }
    if (alone) await this.#marks.endBefore(record, record.version, c);
    if (leaves) await entries.remove(previous, c);
    if (isListed) await entries.put(record, { known, alone }, c);
    return true;
  }

  /** Ends a session. */
  async end(record: SessionRecord, c: unknown): Promise<void> {
    await this.#marks.end(record, c);
    if (record.subject !== undefined) await this.#entries?.remove(record, c);
  }

  /** Ends a session by the key that it has on the list of its subject. */
  async endListed(key: string, c: unknown): Promise<void> {
    const entry = await this.#entries?.find(key, c);
    if (!entry) return;
    await this.#marks.end(entry, c);
    await this.#entries!.drop(key, c);
  }

  /** Ends all sessions of a subject, and tells how many were listed. */
  async endAll(subject: string, options: DeleteAllOptions, c: unknown): Promise<number> {
    await this.#marks.endAll(subject, options, c);
    return await this.#entries?.removeAll(subject, options, c) ?? 0;
  }

  /**
   * The live sessions of a subject. An entry of a session that was ended while it was written is not among them.
   *
   * @throws {TypeError} When they are not listed.
   */
  async list(subject: string, c: unknown): Promise<ListedSession[]> {
    if (!this.#entries) throw new TypeError("Cannot list sessions: revocations has no index");
    return await this.#marks.living(subject, await this.#entries.list(subject, c), c);
  }
}
