import { isSessionRecord, type SessionRecord } from "../../src/record/record.ts";
import type { ListedSession } from "../../src/store/contract.ts";
import { GENERATION_KEPT } from "../../src/store/generation_lifetime.ts";
import type { DurableObjectStorageLike } from "./like.ts";
import { type Entry, type RecordOperations, toEntry, type Written } from "./operations.ts";

/** How long lists show a session that is being moved, in milliseconds. */
const MOVING_SHOWN = 60_000;

/**
 * The records of sessions by their keys, and the ends of sessions whose records were in flight. `moving` is the session
 * that lists show until it has been moved. `expires` is the time from which a row can be reclaimed; the record decides on
 * the expiry of the session.
 */
export const RECORD_TABLES: Readonly<Record<string, string>> = {
  records: `CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, expires REAL NOT NULL,
    write TEXT NOT NULL, record TEXT NOT NULL, moving TEXT) WITHOUT ROWID`,
  ends: `CREATE TABLE IF NOT EXISTS ends (key TEXT, subject TEXT, expires REAL NOT NULL,
    generation REAL NOT NULL, PRIMARY KEY (key, subject)) WITHOUT ROWID`,
};

type Shown = ListedSession["record"];

/** A session that is being moved. */
interface Moving {
  readonly write: string;
  readonly until: number;
  readonly record: Shown;
}

/** The row of a key that has not expired. */
interface Row {
  readonly write: string;
  readonly record: SessionRecord | undefined;
  readonly moving: Moving | undefined;
}

type Calls = { [Name in keyof RecordOperations]: Parameters<RecordOperations[Name]>[0] };

/** The records in an object. Every method reads and writes in one step. */
export class RecordTable implements RecordOperations {
  readonly #sql: DurableObjectStorageLike["sql"];

  constructor(sql: DurableObjectStorageLike["sql"]) {
    this.#sql = sql;
  }

  read(call: Calls["read"]): SessionRecord | null {
    return this.#row(call)?.record ?? null;
  }

  write(call: Calls["write"]): Written {
    const { key, version, write, record } = call;
    const row = this.#row(call);
    if (row?.write === write) return true;
    if (row?.record?.version !== version) return false;
    if (this.#isEnded(key, record)) return "ended";
    this.#put(key, { write, record, moving: row?.moving });
    return true;
  }

  touch(call: Calls["touch"]): boolean {
    const row = this.#row(call);
    if (row?.record?.version !== call.version) return false;
    // The identifier of the write stays: the data are still those of that write.
    this.#put(call.key, { ...row, record: { ...row.record, ...call.times } });
    return true;
  }

  leave(call: Calls["leave"]): boolean {
    const { key, version, write, left, listed, now } = call;
    const row = this.#row(call);
    if (row?.write === write) return true;
    if (row?.record?.version !== version) return false;
    const until = now + MOVING_SHOWN;
    const moving = listed ? { write, until, record: toShown(row!.record!) } : undefined;
    // A row without a record shows a repeated request that it was done.
    this.#put(key, { write, record: left, moving });
    return true;
  }

  settle(call: Calls["settle"]): boolean {
    const row = this.#row(call);
    if (row?.moving?.write === call.write) {
      this.#put(call.key, { ...row, moving: undefined });
      return true;
    }
    return row?.write === call.write;
  }

  delete(call: Calls["delete"]): Entry | null {
    const owner = ownerOf(this.#row(call));
    this.#delete(call.key);
    return owner && toEntry(call.key, owner) || null;
  }

  peek({ keys, now }: Calls["peek"]): ListedSession[] {
    return keys.flatMap((key) => {
      const record = shownOf(this.#row({ key, now }), now);
      return record ? [{ key, record }] : [];
    });
  }

  end({ subject, ends, now }: Calls["end"]): number {
    let count = 0;
    for (const { key, generation } of ends) {
      const owner = ownerOf(this.#row({ key, now }));
      if (owner?.subject === subject && (owner.generation ?? 0) < generation) {
        this.#delete(key);
        count++;
      } else {
        // The record may be in flight, because its entry is written first.
        this.#sql.exec(
          `INSERT INTO ends VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            expires = excluded.expires, generation = max(generation, excluded.generation)`,
          ...[key, subject, now + GENERATION_KEPT, generation],
        );
      }
    }
    return count;
  }

  /** Checks whether all sessions of the subject of a record were ended while it was in flight. */
  #isEnded(key: string, { subject, generation = 0 }: SessionRecord): boolean {
    if (subject === undefined) return false;
    const query = "SELECT 1 FROM ends WHERE key = ? AND subject = ? AND generation > ?";
    return this.#sql.exec(query, key, subject, generation).toArray().length > 0;
  }

  #row({ key, now }: { key: string; now: number }): Row | undefined {
    const query = "SELECT write, record, moving FROM records WHERE key = ?";
    const [row] = this.#sql.exec(query, key).toArray() as Record<string, string | null>[];
    if (!row) return undefined;
    const record: unknown = JSON.parse(row["record"]!);
    const isLive = isSessionRecord(record) && now < record.expiresAt;
    const moving: Moving | null = JSON.parse(row["moving"] ?? "null");
    if (!isLive && !moving && record !== null) return undefined;
    return {
      write: row["write"]!,
      record: isLive ? record : undefined,
      moving: moving ?? undefined,
    };
  }

  #put(key: string, { write, record, moving }: Row): void {
    const expires = Math.max(record?.expiresAt ?? 0, moving?.until ?? 0);
    this.#sql.exec(
      "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?)",
      ...[key, expires, write, JSON.stringify(record ?? null)],
      moving ? JSON.stringify(moving) : null,
    );
  }

  #delete(key: string): void {
    this.#sql.exec("DELETE FROM records WHERE key = ?", key);
  }
}

/** Returns the record with the subject of a session, also while the session is being moved. */
function ownerOf(row: Row | undefined): Shown | undefined {
  return row?.moving?.record ?? row?.record;
}

function shownOf(row: Row | undefined, now: number): Shown | undefined {
  if (!row?.moving) return row?.record && toShown(row.record);
  const { until, record } = row.moving;
  return now < Math.min(until, record.expiresAt) ? record : undefined;
}

function toShown({ data: _, flash: __, ...record }: SessionRecord): Shown {
  return record;
}
