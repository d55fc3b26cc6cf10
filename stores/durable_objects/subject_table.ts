import { GENERATION_KEPT } from "../../src/store/generation_lifetime.ts";
import { nextEnd, oldestOf, type SubjectEnd } from "../../src/store/subject_end.ts";
import type { DurableObjectStorageLike } from "./like.ts";
import type { Entry, Raised, SubjectOperations } from "./operations.ts";

/** The entries of the lists of subjects, and the generations that are remembered. `expires` is the time from which a row can be reclaimed. */
export const SUBJECT_TABLES: Readonly<Record<string, string>> = {
  entries: `CREATE TABLE IF NOT EXISTS entries (subject TEXT, at REAL, sid TEXT, key TEXT,
    generation REAL, expires REAL NOT NULL,
    PRIMARY KEY (subject, at, sid, key, generation)) WITHOUT ROWID`,
  generations: `CREATE TABLE IF NOT EXISTS generations (subject TEXT PRIMARY KEY,
    generation REAL NOT NULL, excepted TEXT, since REAL NOT NULL, write TEXT NOT NULL,
    expires REAL NOT NULL) WITHOUT ROWID`,
};

/** The current generation of a subject. */
interface Generation extends SubjectEnd {
  /** The identifier of the write that started it. */
  readonly write: string;
}

type Calls = { [Name in keyof SubjectOperations]: Parameters<SubjectOperations[Name]>[0] };

/** The subjects in an object. Every method reads and writes in one step. */
export class SubjectTable implements SubjectOperations {
  readonly #sql: DurableObjectStorageLike["sql"];

  constructor(sql: DurableObjectStorageLike["sql"]) {
    this.#sql = sql;
  }

  enlist({ entry, expires, binds }: Calls["enlist"]): boolean {
    const { subject, sid, generation } = entry;
    if (binds && generation < oldestOf(this.#present(subject), sid)) return false;
    this.#sql.exec(
      `INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET expires = max(expires, excluded.expires)`,
      ...toRow(entry),
      expires,
    );
    return true;
  }

  strike({ entries }: Calls["strike"]): true {
    for (const entry of entries) {
      this.#sql.exec(
        `DELETE FROM entries
          WHERE subject = ? AND at = ? AND sid = ? AND key = ? AND generation = ?`,
        ...toRow(entry),
      );
    }
    return true;
  }

  entries({ subject }: { subject: string }): Entry[] {
    const query = `SELECT subject, at, sid, key, generation FROM entries
      WHERE subject = ? ORDER BY at DESC, sid DESC`;
    return rowsOf<Entry>(this.#sql.exec(query, subject));
  }

  generation({ subject }: Calls["generation"]): number {
    return this.#present(subject)?.generation ?? 0;
  }

  raise({ subject, except, write, now }: Calls["raise"]): Raised[] {
    const before = this.#present(subject);
    if (before?.write !== write) {
      const { generation, since } = nextEnd(before, { now, except });
      this.#sql.exec(
        "INSERT OR REPLACE INTO generations VALUES (?, ?, ?, ?, ?, ?)",
        ...[subject, generation, except ?? null, since, write, now + GENERATION_KEPT],
      );
    }
    const present = this.#present(subject);
    return this.entries({ subject }).flatMap((entry) => {
      const oldest = oldestOf(present, entry.sid);
      return entry.generation < oldest ? [{ entry, oldest }] : [];
    });
  }

  #present(subject: string): Generation | undefined {
    const query =
      `SELECT generation, excepted AS "except", since, write FROM generations WHERE subject = ?`;
    return rowsOf<Generation>(this.#sql.exec(query, subject))[0];
  }
}

function toRow({ subject, at, sid, key, generation }: Entry): (string | number)[] {
  return [subject, at, sid, key, generation];
}

function rowsOf<Row>(cursor: { toArray(): object[] }): Row[] {
  return cursor.toArray() as Row[];
}
