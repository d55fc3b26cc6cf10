import { parseObject, type SessionRecord } from "../../src/record.ts";
import type { Clock, SessionStore } from "../../src/store.ts";
import { hashToken } from "../../src/token.ts";

const TRIES = 10;

/** The longest life of a cookie in milliseconds: 400 days (RFC 6265bis, 5.6.2). */
const LONGEST_COOKIE = 34_560_000_000;

/** Remembers in a store on the server which cookies are worth nothing any more. */
export class Revocations {
  readonly #store: SessionStore;
  readonly #clock: Clock;

  constructor(store: SessionStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Whether a session has ended, has moved on to a newer token, or is its subject's since before all of the
   * subject's were ended. One read, and for a session with a subject another at the same time.
   */
  async isRevoked(record: SessionRecord, c: unknown): Promise<boolean> {
    const { sid, subject } = record;
    const [session, all] = await Promise.all([
      this.#read(keyOfSession(sid), c),
      subject === undefined ? undefined : this.#read(keyOfSubject(subject), c),
    ]);
    if (session && record.version < firstValid(session)) return true;
    // A subject's mark was last written when all of its sessions were ended.
    return all !== undefined && (record.subjectAt ?? record.createdAt) <= all.lastSeenAt;
  }

  /** Ends a session, with every cookie that it ever had. */
  async end(record: SessionRecord, c: unknown): Promise<void> {
    await this.endBefore(record, Infinity, c);
  }

  /** Ends the cookies that a session had before a version. */
  async endBefore(record: SessionRecord, version: number, c: unknown): Promise<void> {
    // Cookies that it had before may live longer than its last one.
    const life = Math.max(LONGEST_COOKIE, record.expiresAt - record.renewedAt);
    await this.#mark(keyOfSession(record.sid), { life, version }, c);
  }

  /** Ends all sessions of a subject. */
  async endAll(subject: string, c: unknown): Promise<void> {
    await this.#mark(keyOfSubject(subject), { life: LONGEST_COOKIE, version: Infinity }, c);
  }

  async #read(key: Promise<string>, c: unknown): Promise<SessionRecord | undefined> {
    return await this.#store.read(await key, c);
  }

  async #mark(
    hashed: Promise<string>,
    { life, version }: { life: number; version: number },
    c: unknown,
  ): Promise<void> {
    const key = await hashed;
    const now = this.#clock();
    for (let tries = 0; tries < TRIES; tries++) {
      const stored = await this.#store.read(key, c);
      const valid = Math.max(version, stored ? firstValid(stored) : 0);
      const mark: SessionRecord = {
        format: 1,
        sid: "",
        version: (stored?.version ?? 0) + 1,
        data: valid === Infinity ? "{}" : JSON.stringify({ from: valid }),
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
function firstValid(mark: SessionRecord): number {
  const { from } = parseObject(mark.data);
  return typeof from === "number" ? from : Infinity;
}

function keyOfSession(sid: string): Promise<string> {
  return hashToken(`revoked session ${sid}`);
}

function keyOfSubject(subject: string): Promise<string> {
  return hashToken(`revoked subject ${subject}`);
}
