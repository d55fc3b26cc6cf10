import { createRequire } from "node:module";
import process from "node:process";
import { test } from "node:test";
import { declareSqlite } from "./_sql.ts";

const Database = createRequire(`${process.env["SQL_FOLDER"]}/`)("better-sqlite3");

declareSqlite(test, "better-sqlite3", (path) => new Database(path));
