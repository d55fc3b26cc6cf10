import { parseObject, type SessionRecord } from "../../src/record.ts";
import type { Clock, DeleteAllOptions, ListedSession, SessionStore } from "../../src/store.ts";
import { hashToken } from "../../src/token.ts";
import { inBatches } from "./batches.ts";

const TRIES = 10;

/** The longest life of a cookie in milliseconds: 400 days (RFC 6265bis, 5.6.2). */
const LONGEST_COOKIE = 34_560_000_000;

/** What is remembered of a session, or of a subject: a JSON object. */
type Mark = Record<string, unknown>;

/** Remembers in a store on the server which cookies are worth nothing any more. */
export class Marks {
  readonly #store: SessionStore;
  readonly #clock: Clock;

  constructor(store: SessionStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Whether a cookie is worth nothing any more: its session has ended or moved on to newer cookies, or all sessions of
   * its subject have ended. One read, and for a session with a subject another at the same time.
   */
  async isEnded(record: SessionRecord, c: unknown): Promise<boolean> {
    const [mark, isLate] = await Promise.all([
      this.#read(keyOfSession(record.sid), c),
      record.subject !== undefined && this.isLate(record, c),
    ]);
    return isLate || mark !== undefined && record.version < firstValid(mark);
  }

  /** Whether all sessions of a subject were ended since one became its own. */
  async isLate(record: SessionRecord, c: unknown): Promise<boolean> {
    return isBefore(record, await this.#read(keyOfSubject(record.subject!), c));
  }

  /** Those of a subject's sessions that have not ended. One read for each, and one for the subject. */
  async living(
    subject: string,
    sessions: readonly ListedSession[],
    c: unknown,
  ): Promise<ListedSession[]> {
    const all = sessions.length > 0 ? await this.#read(keyOfSubject(subject), c) : undefined;
    const marks = await inBatches(
      sessions,
      ({ record }) => this.#read(keyOfSession(record.sid), c),
    );
    return sessions.filter(({ record }, index) => {
      const mark = marks[index];
      return !isBefore(record, all) && !(mark && firstValid(mark) === Infinity);
    });
  }

  /** Ends a session, with every cookie that it ever had. */
  async end(session: SessionRecord, c: unknown): Promise<void> {
    await this.endBefore(session, Infinity, c);
  }

  /** Ends the cookies that a session had before a version. */
  async endBefore(session: SessionRecord, version: number, c: unknown): Promise<void> {
    const { sid, renewedAt, expiresAt } = session;
    await this.#mark(keyOfSession(sid), {
      // Cookies that it had before may live longer than its last one.
      life: Math.max(LONGEST_COOKIE, expiresAt - renewedAt),
      change(mark) {
        const valid = Math.max(version, mark ? firstValid(mark) : 0);
        return valid === Infinity ? {} : { from: valid };
      },
    }, c);
  }

  /** Ends all sessions of a subject but one. That one is not brought back should it have been ended before. */
  async endAll(subject: string, { at, except }: DeleteAllOptions, c: unknown): Promise<void> {
    await this.#mark(keyOfSubject(subject), {
      life: LONGEST_COOKIE,
      change(mark = {}) {
        const moved = { at: Math.max(at, toTime(mark.at)) };
        if (except === undefined) return moved;
        const since = notBefore(mark, except);
        return { ...moved, except, ...(since === -Infinity ? {} : { since }) };
      },
    }, c);
  }

  async #read(key: Promise<string>, c: unknown): Promise<Mark | undefined> {
    const stored = await this.#store.read(await key, c);
    return stored && parseObject(stored.data);
  }

  async #mark(
    hashed: Promise<string>,
    { life, change }: { life: number; change: (mark: Mark | undefined) => Mark },
    c: unknown,
  ): Promise<void> {
    const key = await hashed;
    const now = this.#clock();
    for (let tries = 0; tries < TRIES; tries++) {
      const stored = await this.#store.read(key, c);
      const mark: SessionRecord = {
        format: 1,
        sid: "",
        version: (stored?.version ?? 0) + 1,
        data: JSON.stringify(change(stored && parseObject(stored.data))),
        createdAt: stored?.createdAt ?? now,
        lastSeenAt: now,
        renewedAt: now,
        expiresAt: Math.max(now + life, stored?.expiresAt ?? 0),
      };
      const written = stored
        ? await this.#store.update(key, mark, stored, c)
        : await this.#store.create(key, mark, c);
      if (written) return;
    }
    throw new Error("Cannot revoke session: its mark was written too often at the same time");
  }
}

/** The first version that is still worth something: none, where the session has ended. */
function firstValid({ from }: Mark): number {
  return typeof from === "number" ? from : Infinity;
}

/** Until when a session may have become its subject's to be ended. */
function notBefore({ at, except, since }: Mark, sid: string): number {
  return toTime(sid === except ? since : at);
}

/** Whether a session became its subject's before all of the subject's were ended. */
function isBefore(record: ListedSession["record"], mark: Mark | undefined): boolean {
  const { sid, subjectAt = record.createdAt } = record;
  return mark !== undefined && subjectAt <= notBefore(mark, sid);
}

function toTime(value: unknown): number {
  return typeof value === "number" ? value : -Infinity;
}

async function keyOfSession(sid: string): Promise<string> {
  return await hashToken(`revoked session ${sid}`);
}

async function keyOfSubject(subject: string): Promise<string> {
  return await hashToken(`revoked subject ${subject}`);
}
