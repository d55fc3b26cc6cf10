import { hashToken } from "../../../src/crypto/store_key.ts";
import type { SessionRecord } from "../../../src/record/record.ts";
import { makeTrace } from "../../../src/record/trace.ts";
import type { DeleteAllOptions, ListedSession, ListPage } from "../../../src/store/contract.ts";
import { LATEST_WRITE } from "../../../src/store/operation.ts";
import { inBatches } from "./batches.ts";
import { epochOf } from "./epoch.ts";
import type { Call, Server } from "./marks_store.ts";

/**
 * Lists the sessions of subjects: a store on the server has an entry for each, without data, for as long as the
 * cookies of the session live. A session that changes its subject gets another entry, so that ending it under
 * the old subject does not affect the new one.
 */
export class Entries {
  readonly #server: Server;
  readonly #cookieName: string;

  constructor(server: Server, cookieName: string) {
    this.#server = server;
    this.#cookieName = cookieName;
  }

  /** Reads the entry of a session. */
  async read(record: SessionRecord, call: Call): Promise<SessionRecord | undefined> {
    return await this.#server.read(await keyOf(record), call);
  }

  /** Reads the entry under a listed key. */
  async find(key: string, call: Call): Promise<SessionRecord | undefined> {
    const entry = await this.#server.read(key, call);
    return entry?.cookieName === this.#cookieName ? entry : undefined;
  }

  /**
   * Brings the entry of a session in line with the record of one of its cookies.
   *
   * @param known The last known entry.
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
        // The cookie was replaced in the meantime: don't list it.
        if (newer > 0) return undefined;
        const entry = toEntry(record, newer === 0 ? stored : undefined);
        // The entry of a concurrent request is just as good.
        if (!isFirst && newer === 0 && stored!.expiresAt >= entry.expiresAt) return undefined;
        isFirst = false;
        return { ...entry, subject, cookieName: this.#cookieName };
      },
    }, call);
  }

  /** Removes a session from the list of its subject. */
  async remove(record: SessionRecord, call: Call): Promise<void> {
    await this.drop(await keyOf(record), call);
  }

  /**
   * Removes a session whose cookie nobody received. If the write of its entry may still arrive, an obstacle
   * takes its key.
   */
  async withdraw(record: SessionRecord, call: Call): Promise<void> {
    const key = await keyOf(record);
    if (!await this.#server.create(key, toObstacle(record), call)) await this.drop(key, call);
  }

  /** Removes a session from its list by its key there. */
  async drop(key: string, call: Call): Promise<void> {
    await this.#server.delete(key, call);
  }

  /** Lists the sessions of a subject in cookies of this name. */
  async *list(subject: string, page: ListPage, call: Call): AsyncGenerator<ListedSession> {
    for await (const { key, record } of this.#server.list(await subjectOf(subject), page, call)) {
      if (record.cookieName !== this.#cookieName) continue;
      yield { key, record: { ...record, subject } };
    }
  }

  /** Removes sessions of older generations of a subject from its lists. Returns their number. */
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

/** Returns a record that takes the key of an entry. It is on no list. */
function toObstacle({ lastSeenAt }: SessionRecord): SessionRecord {
  return makeTrace("ended", { sid: "", expiresAt: lastSeenAt + LATEST_WRITE });
}

/** Returns the entry of a session, which lasts as long as any of its cookies. */
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

/** Returns the internal name of a subject, so that its sessions in other stores are not mixed with those in cookies. */
async function subjectOf(subject: string): Promise<string> {
  return await hashToken(`listed subject ${subject}`);
}
