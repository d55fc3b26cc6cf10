import { SessionEndedError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record.ts";
import type { Clock, DeleteAllOptions, ListedSession, SessionStore } from "../../src/store.ts";
import { Entries } from "./entries.ts";
import { epochOf, isOfSame, withoutEpoch } from "./epoch.ts";
import { Marks } from "./marks.ts";
import { type Fate, type Remembered, SessionMarks } from "./session_marks.ts";
import { SubjectMarks } from "./subject_marks.ts";

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

/** A record that is to be put into a cookie, of the epoch that {@linkcode succeed} gives it. */
export interface Admission {
  readonly record: SessionRecord;
  /** That of the cookie until now, if there was one. */
  readonly previous?: SessionRecord;
}

/** What is remembered of a session that begins. */
const NOTHING: Remembered = { fate: "live", stored: undefined };

/** What a store on the server knows of sessions in cookies: which have ended, and which a subject has. */
export class Revocations {
  readonly #sessions: SessionMarks;
  readonly #subjects: SubjectMarks;
  readonly #entries: Entries | undefined;

  constructor({ store, clock, cookieName, index }: RevocationsOptions) {
    const marks = new Marks(store, clock);
    this.#sessions = new SessionMarks(marks, cookieName);
    this.#subjects = new SubjectMarks(marks, clock);
    this.#entries = index ? new Entries(store, cookieName) : undefined;
  }

  /** What became of a cookie. One read, and for a session with a subject another at the same time. */
  async fateOf(record: SessionRecord, c: unknown): Promise<Fate> {
    const [{ fate }, isLate] = await Promise.all([
      this.#sessions.recall(record, c),
      this.#subjects.isLate(record, c),
    ]);
    return isLate ? "ended" : fate;
  }

  /**
   * Whether a record may be put into a cookie: not when the cookie until now is invalid. The list of its subject shows
   * it from then on.
   *
   * @throws {SessionEndedError} When all sessions of the subject were ended since the login began.
   */
  async admit({ record, previous }: Admission, c: unknown): Promise<boolean> {
    const entries = this.#entries;
    const isListed = entries !== undefined && record.subject !== undefined;
    const isSame = previous !== undefined && isOfSame(record, previous);

    const [remembered, hasEnded, isLate, known] = await Promise.all([
      previous ? this.#sessions.recall(previous, c) : NOTHING,
      previous && this.#subjects.isLate(previous, c),
      !isSame && this.#subjects.isLate(record, c),
      isListed && isSame ? entries.read(record, c) : undefined,
    ]);
    if (hasEnded || remembered.fate !== "live") return false;
    if (isLate) {
      throw new SessionEndedError(
        "Cannot store session: all sessions of its subject were ended; log in again",
      );
    }
    if (previous && epochOf(record) !== epochOf(previous)) {
      if (!await this.#sessions.advance(record, remembered, c)) return false;
    }
    await Promise.all([this.#sessions.reserve(record, c), this.#subjects.reserve(record, c)]);
    if (entries && previous?.subject !== undefined && !isSame) await entries.remove(previous, c);
    if (isListed) await entries.put(record, known, c);
    return true;
  }

  /** Ends a session. */
  async end(record: SessionRecord, c: unknown): Promise<void> {
    await this.#sessions.end(record, c);
    if (record.subject !== undefined) await this.#entries?.remove(record, c);
  }

  /** Ends a session by the key that it has on the list of its subject. */
  async endListed(key: string, c: unknown): Promise<void> {
    const entry = await this.#entries?.find(key, c);
    if (!entry) return;
    await this.#sessions.end(entry, c);
    await this.#entries!.drop(key, c);
  }

  /** The present generation of a subject's sessions. */
  generation(subject: string, c: unknown): Promise<number> {
    return this.#subjects.generation(subject, c);
  }

  /** Ends all sessions of a subject, and tells how many were listed. */
  async endAll(subject: string, options: DeleteAllOptions, c: unknown): Promise<number> {
    const present = await this.#subjects.endAll(subject, options, c);
    return await this.#entries?.removeAll(subject, { ...options, present }, c) ?? 0;
  }

  /**
   * The live sessions of a subject. An entry of a session that was ended or replaced while it was written is not among
   * them.
   *
   * @throws {TypeError} When they are not listed.
   */
  async list(subject: string, c: unknown): Promise<ListedSession[]> {
    if (!this.#entries) throw new TypeError("Cannot list sessions: revocations has no index");
    const sessions = await this.#entries.list(subject, c);
    const living = await this.#subjects.living(subject, sessions, c);
    return (await this.#sessions.living(living, c))
      .map(({ key, record }) => ({ key, record: withoutEpoch(record) }));
  }
}
