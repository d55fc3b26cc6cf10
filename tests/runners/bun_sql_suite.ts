import process from "node:process";
// @ts-ignore -- only Bun has this module
import { SQL } from "bun";
// @ts-ignore -- only Bun has this module
import { Database } from "bun:sqlite";
// @ts-ignore -- only Bun has this module
import { test } from "bun:test";
import { declarePostgres, declareSqlite } from "./_sql.ts";

// As behind a pooler, which knows no statements by name, and with those of Bun.
for (const prepare of [true, false]) {
  declarePostgres(test, `Bun.SQL, prepare: ${prepare}`, () => {
    const sql = new SQL({ url: process.env["POSTGRES_URL"]!, prepare, max: 4 });
    return { sql, execute: (text) => sql.unsafe(text), close: () => sql.close({ timeout: 0 }) };
  });
}

declareSqlite(test, "bun:sqlite", (path) => new Database(path));
