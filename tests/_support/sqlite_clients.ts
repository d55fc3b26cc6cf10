import type { SqliteLike } from "@x/hono-session/stores/sqlite";
import { createClient } from "@libsql/client";
import { DatabaseSync } from "node:sqlite";

/** A database that is open. */
export interface SqliteConnection {
  readonly db: SqliteLike;
  /** Runs statements without values. */
  execute(text: string): Promise<void>;
  /** Closes it, once or again, and removes its file. */
  close(): Promise<void>;
}

/** Opens a new database with each client that the store knows on Deno. */
export const SQLITE_CLIENTS: Record<string, () => Promise<SqliteConnection>> = {
  "node:sqlite"() {
    const db = new DatabaseSync(":memory:");
    return Promise.resolve({
      db,
      execute: (text) => Promise.resolve(db.exec(text)),
      close: () => Promise.resolve(db.isOpen ? db.close() : undefined),
    });
  },
  async "@libsql/client"() {
    const folder = await Deno.makeTempDir({ prefix: "hono-session-libsql-" });
    const db = createClient({ url: `file:${folder}/sessions.db` });
    await db.execute("PRAGMA journal_mode = WAL");
    return {
      db,
      execute: (text) => db.executeMultiple(text),
      async close() {
        if (db.closed) return;
        db.close();
        await Deno.remove(folder, { recursive: true });
      },
    };
  },
};
