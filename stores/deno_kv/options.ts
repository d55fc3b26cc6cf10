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
import type { KvKeyLike, KvLike } from "./like.ts";

/**
 * Options of {@linkcode DenoKvStore}.
 *
 * @example A handle that the application has open anyway
 * ```ts
 * import { DenoKvStore, type DenoKvStoreOptions } from "@x/hono-session/stores/deno-kv";
 *
 * using kv = await Deno.openKv(":memory:");
 * const options: DenoKvStoreOptions = { kv, prefix: ["my-app", "session"] };
 * new DenoKvStore(options);
 * ```
 */
export interface DenoKvStoreOptions {
  /** An open database, or a promise of one. It stays yours to close. */
  kv?: KvLike | Promise<KvLike>;
  /**
   * Where to open one: a file, `":memory:"`, or the URL of a database that speaks KV Connect.
   *
   * @default {the database that Deno gives the application}
   */
  path?: string;
  /**
   * What all keys begin with, 454 bytes at most.
   *
   * @default {["session"]}
   */
  prefix?: KvKeyLike;
  /**
   * Tells the time, for tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/** The most bytes of a prefix: a key has 2048, the longest subject 1538 as JSON, and one of the store contract 43. */
const LONGEST_PREFIX = 2048 - (7 + 2) - (1538 + 2) - (43 + 2);

const encoder = new TextEncoder();

const OPTIONS = storeTable("DenoKvStore", {
  shapes: { kv: ["any", "async function"], path: ["string"], prefix: ["any"] },
  mistakes: [
    [isKv, "write { kv }"],
    [isPromiseLike, "write { kv }"],
    [isText, "write { path }"],
  ],
});

/** What is given as `kv` and is none, and what to do instead. */
const MISTAKEN_KVS: Mistakes = [
  [(value) => typeof value === "function", "call it, as in kv: await Deno.openKv()"],
  [isText, "use the option path"],
];

/** @throws {TypeError} When an option is unknown or not what it should be. */
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

/** The bytes of a part of a key: an end and a kind beside a text, of which a zero takes two. */
function sizeOf(part: string | number): number {
  if (typeof part === "number") return 9;
  return encoder.encode(part.replaceAll("\0", "\0\0")).length + 2;
}

/** Whether a value has what this store needs of Deno KV. */
export function isKv(value: unknown): value is KvLike {
  return hasMethods(value, "get", "getMany", "list", "atomic", "close");
}

function isPart(value: unknown): boolean {
  return isText(value) || Number.isFinite(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
