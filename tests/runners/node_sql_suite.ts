import { createRequire } from "node:module";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { declarePostgres, declareSqlite } from "./_sql.ts";

const require = createRequire(`${process.env["SQL_FOLDER"]}/`);
const url = process.env["POSTGRES_URL"];

declareSqlite(test, "node:sqlite", (path) => new DatabaseSync(path));

if (url) {
  const { Pool } = require("pg");
  const postgres = require("postgres");

  declarePostgres(test, "pg Pool", () => {
    const pool = new Pool({ connectionString: url }).on("error", () => {});
    return { sql: pool, execute: (text) => pool.query(text), close: () => pool.end() };
  });

  declarePostgres(test, "postgres.js", () => {
    const sql = postgres(url, { onnotice() {} });
    return { sql, execute: (text) => sql.unsafe(text), close: () => sql.end({ timeout: 0 }) };
  });
}
