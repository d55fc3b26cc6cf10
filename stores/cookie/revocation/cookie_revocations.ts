import type { SessionRecord } from "../../../src/record/record.ts";
import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  SessionStore,
} from "../../../src/store/contract.ts";
import { refuseLateLogin } from "../../../src/store/late_login.ts";
import type { Clock } from "../../../src/util/clock.ts";
import { Entries } from "./entries.ts";
import { epochOf, isOfSame, withoutEpoch } from "./epoch.ts";
import { Marks } from "./marks.ts";
import { type Call, Server } from "./marks_store.ts";
import { type Fate, type Remembered, SessionMarks } from "./session_marks.ts";
import { SubjectMarks } from "./subject_marks.ts";

/** Options of {@linkcode CookieRevocations}. */
export interface CookieRevocationsOptions {
  /** The store on the server. */
  readonly store: SessionStore;
  readonly clock: Clock;
  /** The cookie whose sessions are listed. */
  readonly cookieName: string;
  /** Whether sessions are listed. */
  readonly index: boolean;
}

/** A record for a cookie, with the epoch from {@linkcode succeed}. */
export interface Admission {
  readonly record: SessionRecord;
  /** The record of the previous cookie, if there was one. */
  readonly previous?: SessionRecord | undefined;
}

/** The mark of a new session. */
const NOTHING: Remembered = { fate: "live", stored: undefined };

/**
 * Uses a store on the server for sessions in cookies: to mark those that have ended, and to list those of a
 * subject.
 */
export class CookieRevocations {
  readonly #sessions: SessionMarks;
  readonly #subjects: SubjectMarks;
  readonly #entries: Entries | undefined;

  constructor({ store, clock, cookieName, index }: CookieRevocationsOptions) {
    const server = new Server(store);
    const marks = new Marks(server, clock);
    this.#sessions = new SessionMarks(marks, cookieName);
    this.#subjects = new SubjectMarks(marks, clock);
    this.#entries = index ? new Entries(server, cookieName) : undefined;
  }

  /** Returns the state of a cookie. One read; a session with a subject needs a second, concurrent one. */
  async fateOf(record: SessionRecord, call: Call): Promise<Fate> {
    const [{ fate }, isLate] = await Promise.all([
      this.#sessions.recall(record, call),
      this.#subjects.isLate(record, call),
    ]);
    return isLate ? "ended" : fate;
  }

  /**
   * Checks whether a record may be put into a cookie: not if the previous cookie is invalid. Adds it to the
   * list of its subject.
   *
   * @throws {SessionEndedError} When all sessions of the subject were ended after the login started.
   */
  async admit({ record, previous }: Admission, call: Call): Promise<boolean> {
    const entries = this.#entries;
    const isListed = entries !== undefined && record.subject !== undefined;
    const isSame = previous !== undefined && isOfSame(record, previous);

    const [remembered, hasEnded, isLate, known] = await Promise.all([
      previous ? this.#sessions.recall(previous, call) : NOTHING,
      previous && this.#subjects.isLate(previous, call),
      !isSame && this.#subjects.isLate(record, call),
      isListed && isSame ? entries.read(record, call) : undefined,
    ]);
    if (hasEnded || remembered.fate !== "live") return false;
    if (isLate) refuseLateLogin();
    if (previous && epochOf(record) !== epochOf(previous)) {
      if (!await this.#sessions.advance(record, remembered, call)) return false;
    }
    await Promise.all([this.#sessions.reserve(record, call), this.#subjects.reserve(record, call)]);
    if (entries && previous?.subject !== undefined && !isSame) await entries.remove(previous, call);
    if (isListed) await this.#enlist({ record, previous }, { entries, known }, call);
    call.signal?.throwIfAborted();
    return true;
  }

  /**
   * Adds a record to the list of its subject. If this fails, the cookie is not sent, and the entry is removed
   * if possible.
   */
  async #enlist(
    { record, previous }: Admission,
    { entries, known }: { entries: Entries; known: SessionRecord | undefined },
    call: Call,
  ): Promise<void> {
    try {
      await entries.put(record, known, call);
      call.signal?.throwIfAborted();
    } catch (error) {
      const hasOthers = previous && isOfSame(record, previous) &&
        epochOf(record) === epochOf(previous);
      if (!hasOthers) await entries.withdraw(record, { c: call.c }).catch(() => {});
      throw error;
    }
  }

  /** Ends a session. */
  async end(record: SessionRecord, call: Call): Promise<void> {
    await this.#sessions.end(record, call);
    if (record.subject !== undefined) await this.#entries?.remove(record, call);
  }

  /** Ends a session by its key in the list of its subject. */
  async endListed(key: string, call: Call): Promise<void> {
    const entry = await this.#entries?.find(key, call);
    if (!entry) return;
    await this.#sessions.end(entry, call);
    await this.#entries!.drop(key, call);
  }

  /** Returns the current generation of a subject's sessions. */
  generation(subject: string, call: Call): Promise<number> {
    return this.#subjects.generation(subject, call);
  }

  /** Ends all sessions of a subject. Returns the number of listed sessions. */
  async endAll(subject: string, options: DeleteAllOptions, call: Call): Promise<number> {
    const present = await this.#subjects.endAll(subject, options, call);
    return await this.#entries?.removeAll(subject, { ...options, present }, call) ?? 0;
  }

  /**
   * Lists the live sessions of a subject, without entries of sessions that were ended or replaced while the
   * entry was written.
   *
   * @throws {TypeError} When `revocations` has no index.
   */
  async *list(subject: string, page: ListPage, call: Call): AsyncGenerator<ListedSession> {
    if (!this.#entries) throw new TypeError("Cannot list sessions: revocations has no index");
    const { limit = Infinity } = page;
    let sessions: ListedSession[] = [];
    for await (const session of this.#entries.list(subject, page, call)) {
      sessions.push(session);
      if (sessions.length < limit) continue;
      yield* await this.#living(subject, sessions, call);
      sessions = [];
    }
    yield* await this.#living(subject, sessions, call);
  }

  async #living(
    subject: string,
    sessions: readonly ListedSession[],
    call: Call,
  ): Promise<ListedSession[]> {
    const living = await this.#subjects.living(subject, sessions, call);
    return (await this.#sessions.living(living, call))
      .map(({ key, record }) => ({ key, record: withoutEpoch(record) }));
  }
}
