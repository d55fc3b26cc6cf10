import { hashToken } from "../../../src/crypto/token.ts";
import type { SessionRecord } from "../../../src/record/record.ts";
import type { DeleteAllOptions, ListedSession, ListPage } from "../../../src/store/contract.ts";
import { inBatches } from "./batches.ts";
import { epochOf } from "./epoch.ts";
import type { Call, Server } from "./server.ts";

/** How long a write may still arrive that was answered as failed, in milliseconds. */
const LATEST = 600_000;

/**
 * Lists the sessions of subjects: an entry for each in a store on the server, which lists them. It holds no data, and
 * lasts as long as the cookies of its session. One that becomes another subject's has another entry, so that whoever
 * ends what it was before doesn't meet what it is.
 */
export class Entries {
  readonly #server: Server;
  readonly #cookieName: string;

  constructor(server: Server, cookieName: string) {
    this.#server = server;
    this.#cookieName = cookieName;
  }

  /** The entry of a session. */
  async read(record: SessionRecord, call: Call): Promise<SessionRecord | undefined> {
    return await this.#server.read(await keyOf(record), call);
  }

  /** The entry under a key that was listed. */
  async find(key: string, call: Call): Promise<SessionRecord | undefined> {
    const entry = await this.#server.read(key, call);
    return entry?.cookieName === this.#cookieName ? entry : undefined;
  }

  /**
   * Brings the entry of a session in line with the record of one of its cookies.
   *
   * @param known The entry as far as known.
   */
  async put(
    record: SessionRecord,
    known: SessionRecord | undefined,
    call: Call,
  ): Promise<void> {
    const key = await keyOf(record);
    const subject = await subjectOf(record.subject!);
    let isFirst = true;
    await this.#server.change(key, {
      stored: known,
      change: (stored) => {
        const newer = stored ? epochOf(stored) - epochOf(record) : -1;
        // What was left behind meanwhile is not to be shown any more.
        if (newer > 0) return undefined;
        const entry = toEntry(record, newer === 0 ? stored : undefined);
        // Of two requests at the same time the one is as good as the other.
        if (!isFirst && newer === 0 && stored!.expiresAt >= entry.expiresAt) return undefined;
        isFirst = false;
        return { ...entry, subject, cookieName: this.#cookieName };
      },
    }, call);
  }

  /** Takes a session off the list of its subject. */
  async remove(record: SessionRecord, call: Call): Promise<void> {
    await this.drop(await keyOf(record), call);
  }

  /** Takes a session off the list that nobody got, or takes the place of its entry while that is still on its way. */
  async withdraw(record: SessionRecord, call: Call): Promise<void> {
    const key = await keyOf(record);
    if (!await this.#server.create(key, toObstacle(record), call)) await this.drop(key, call);
  }

  /** Takes a session off its list by the key that it has there. */
  async drop(key: string, call: Call): Promise<void> {
    await this.#server.delete(key, call);
  }

  /** The sessions of a subject that are in cookies of this name. */
  async *list(subject: string, page: ListPage, call: Call): AsyncGenerator<ListedSession> {
    for await (const { key, record } of this.#server.list(await subjectOf(subject), page, call)) {
      if (record.cookieName !== this.#cookieName) continue;
      yield { key, record: { ...record, subject } };
    }
  }

  /** Takes sessions of older generations of a subject off its lists, and tells how many there were. */
  async removeAll(
    subject: string,
    { present, except }: DeleteAllOptions & { present: number },
    call: Call,
  ): Promise<number> {
    const keys: string[] = [];
    for await (const { key, record } of this.#server.list(await subjectOf(subject), {}, call)) {
      const { sid, generation = 0 } = record;
      if (generation < present && sid !== except) keys.push(key);
    }
    await inBatches(keys, (key) => this.drop(key, call));
    return keys.length;
  }
}

/** What keeps the place of an entry from being taken. It is on no list. */
function toObstacle({ lastSeenAt }: SessionRecord): SessionRecord {
  const times = { createdAt: 0, lastSeenAt: 0, renewedAt: 0, expiresAt: lastSeenAt + LATEST };
  return { format: 1, sid: "", version: 1, data: "{}", ...times, trace: "ended" };
}

/** What a list shows of a session, for as long as any of its cookies lives. */
function toEntry(record: SessionRecord, older: SessionRecord | undefined): SessionRecord {
  const { flash: _, cookie: __, maxAge: ___, ...rest } = record;
  const { renewedAt, expiresAt, maxAge } = older && older.expiresAt > record.expiresAt
    ? older
    : record;
  const lifetime = maxAge === undefined ? {} : { maxAge };
  return { ...rest, ...lifetime, renewedAt, expiresAt, data: "{}" };
}

async function keyOf({ sid, subject, subjectAt }: SessionRecord): Promise<string> {
  return await hashToken(`listed session ${JSON.stringify([sid, subject, subjectAt])}`);
}

/** What stands for a subject, so that its sessions in other stores are not among those of its cookies. */
async function subjectOf(subject: string): Promise<string> {
  return await hashToken(`listed subject ${subject}`);
}
