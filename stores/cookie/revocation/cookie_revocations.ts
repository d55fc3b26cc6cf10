import { SessionEndedError } from "../../../src/errors.ts";
import type { SessionRecord } from "../../../src/record/record.ts";
import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  SessionStore,
} from "../../../src/store/contract.ts";
import type { Clock } from "../../../src/util/clock.ts";
import { Entries } from "./entries.ts";
import { epochOf, isOfSame, withoutEpoch } from "./epoch.ts";
import { Marks } from "./marks.ts";
import { type Call, Server } from "./server.ts";
import { type Fate, type Remembered, SessionMarks } from "./session_marks.ts";
import { SubjectMarks } from "./subject_marks.ts";

/** What {@linkcode CookieRevocations} are given. */
export interface CookieRevocationsOptions {
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
  readonly previous?: SessionRecord | undefined;
}

/** What is remembered of a session that begins. */
const NOTHING: Remembered = { fate: "live", stored: undefined };

/** What a store on the server knows of sessions in cookies: which have ended, and which a subject has. */
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

  /** What became of a cookie. One read, and for a session with a subject another at the same time. */
  async fateOf(record: SessionRecord, call: Call): Promise<Fate> {
    const [{ fate }, isLate] = await Promise.all([
      this.#sessions.recall(record, call),
      this.#subjects.isLate(record, call),
    ]);
    return isLate ? "ended" : fate;
  }

  /**
   * Whether a record may be put into a cookie: not when the cookie until now is invalid. The list of its subject shows
   * it from then on.
   *
   * @throws {SessionEndedError} When all sessions of the subject were ended since the login began.
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
    if (isLate) {
      throw new SessionEndedError(
        "Cannot store session: all sessions of its subject were ended; log in again",
      );
    }
    if (previous && epochOf(record) !== epochOf(previous)) {
      if (!await this.#sessions.advance(record, remembered, call)) return false;
    }
    await Promise.all([this.#sessions.reserve(record, call), this.#subjects.reserve(record, call)]);
    if (entries && previous?.subject !== undefined && !isSame) await entries.remove(previous, call);
    if (isListed) await this.#enlist({ record, previous }, { entries, known }, call);
    call.signal?.throwIfAborted();
    return true;
  }

  /** Shows a record on the list of its subject. A cookie that nobody gets is not listed, as far as can be. */
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

  /** Ends a session by the key that it has on the list of its subject. */
  async endListed(key: string, call: Call): Promise<void> {
    const entry = await this.#entries?.find(key, call);
    if (!entry) return;
    await this.#sessions.end(entry, call);
    await this.#entries!.drop(key, call);
  }

  /** The present generation of a subject's sessions. */
  generation(subject: string, call: Call): Promise<number> {
    return this.#subjects.generation(subject, call);
  }

  /** Ends all sessions of a subject, and tells how many were listed. */
  async endAll(subject: string, options: DeleteAllOptions, call: Call): Promise<number> {
    const present = await this.#subjects.endAll(subject, options, call);
    return await this.#entries?.removeAll(subject, { ...options, present }, call) ?? 0;
  }

  /**
   * The live sessions of a subject. An entry of a session that was ended or replaced while it was written is not among
   * them.
   *
   * @throws {TypeError} When they are not listed.
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
