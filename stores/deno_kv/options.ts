import { storeTable } from "../../src/store/store_options.ts";
import { isPromiseLike } from "../../src/util/awaitable.ts";
import type { Clock } from "../../src/util/clock.ts";
import {
  hasMethods,
  insteadOf,
  type Mistakes,
  refuse,
  refuseRange,
} from "../../src/util/option_errors.ts";
import { checkTable } from "../../src/util/option_table.ts";
import { ANY, NOT_ASYNC, STRING } from "../../src/util/shapes.ts";
import type { KvKeyLike, KvLike } from "./like.ts";

/**
 * Options of {@linkcode DenoKvStore}.
 *
 * @example An open database of the application
 * ```ts
 * import { DenoKvStore, type DenoKvStoreOptions } from "@x/hono-session/stores/deno-kv";
 *
 * using kv = await Deno.openKv(":memory:");
 * const options: DenoKvStoreOptions = { kv, prefix: ["my-app", "session"] };
 * new DenoKvStore(options);
 * ```
 */
export interface DenoKvStoreOptions {
  /** An open database, or a promise of one. The application closes it. */
  kv?: KvLike | Promise<KvLike>;
  /**
   * The database to open: a file, `":memory:"`, or the URL of a KV Connect database.
   *
   * @default {Deno's default database of the application}
   */
  path?: string;
  /**
   * The prefix of all keys, 454 bytes at most.
   *
   * @default {["session"]}
   */
  prefix?: KvKeyLike;
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/** The largest prefix, in bytes: a key has 2048, the longest subject 1538 as JSON, and the key of a session 43. */
const LONGEST_PREFIX = 2048 - (7 + 2) - (1538 + 2) - (43 + 2);

const encoder = new TextEncoder();

const OPTIONS = storeTable("DenoKvStore", {
  shapes: { kv: ANY, path: STRING, prefix: NOT_ASYNC },
  mistakes: [
    [isKv, "write { kv }"],
    [isPromiseLike, "write { kv }"],
    [isText, "write { path }"],
  ],
});

/** Common mistakes in the option `kv`, and what to do instead. */
const MISTAKEN_KVS: Mistakes = [
  [(value) => typeof value === "function", "call it, as in kv: await Deno.openKv()"],
  [isText, "use the option path"],
];

/** @throws {TypeError} When an option is unknown or invalid. */
export function checkOptions(options: DenoKvStoreOptions): void {
  checkTable(OPTIONS, options);
  const { kv, path, prefix } = options;
  if (kv !== undefined && path !== undefined) {
    refuse("path", "kv and path exclude each other", OPTIONS);
  }
  if (kv !== undefined && !isKv(kv) && !isPromiseLike(kv)) {
    refuse("kv", insteadOf(kv, MISTAKEN_KVS) ?? "an open database is required", OPTIONS);
  }
  if (path === "") refuse("path", "it is empty", OPTIONS);
  if (prefix !== undefined) checkPrefix(prefix);
}

function checkPrefix(prefix: KvKeyLike): void {
  if (!Array.isArray(prefix) || !prefix.every(isPart)) {
    const written = isText(prefix) ? `, as in [${JSON.stringify(prefix)}]` : "";
    refuse("prefix", `an array of strings and numbers is required${written}`, OPTIONS);
  }
  const size = prefix.reduce((size, part) => size + sizeOf(part), 0);
  if (size <= LONGEST_PREFIX) return;
  refuseRange("prefix", `${size} bytes, at most ${LONGEST_PREFIX} fit into a key`, OPTIONS);
}

/**
 * Returns the size of a part of a key: a text with a type byte and an end byte; a zero byte is escaped with a
 * second byte.
 */
function sizeOf(part: string | number): number {
  if (typeof part === "number") return 9;
  return encoder.encode(part.replaceAll("\0", "\0\0")).length + 2;
}

/** Checks whether a value has the methods of Deno KV. */
export function isKv(value: unknown): value is KvLike {
  return hasMethods(value, "get", "getMany", "list", "atomic", "close");
}

function isPart(value: unknown): boolean {
  return isText(value) || Number.isFinite(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
