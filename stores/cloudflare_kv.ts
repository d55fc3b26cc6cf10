/**
 * Sessions in Cloudflare Workers KV, which answers fast everywhere and agrees with itself late.
 *
 * @example On Cloudflare Workers
 * ```ts
 * import { session } from "@x/hono-session";
 * import { CloudflareKvStore, type KvNamespaceLike } from "@x/hono-session/stores/cloudflare-kv";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono<{ Bindings: { SESSION: KvNamespaceLike } }>()
 *   .use(session<{ name?: string }>({
 *     store: new CloudflareKvStore({ namespace: (c) => c.env.SESSION }),
 *   }))
 *   .post("/login", async (c) => {
 *     await c.var.session.regenerate();
 *     c.var.session.name = "Ada";
 *     return c.redirect("/");
 *   })
 *   .get("/", (c) => c.text(`Hello ${c.var.session.name ?? "stranger"}`));
 * // export default app;
 *
 * // Here a Map stands in for what Workers bind.
 * const entries = new Map<string, string>();
 * const SESSION: KvNamespaceLike = {
 *   get: (key) => entries.get(key) ?? null,
 *   put: (key, value) => void entries.set(key, value),
 *   delete: (key) => void entries.delete(key),
 * };
 * const login = await app.request("/login", { method: "POST" }, { SESSION });
 * const cookie = login.headers.getSetCookie()[0]!.split(";")[0]!;
 * const response = await app.request("/", { headers: { cookie } }, { SESSION });
 * assertEquals(await response.text(), "Hello Ada");
 * ```
 *
 * @module
 */

import type { SessionRecord, SessionTimes } from "../src/record/record.ts";
import type { SessionStore, StoreCapabilities, StoreReplacement } from "../src/store/contract.ts";
import { storeTable } from "../src/store/store_options.ts";
import type { Awaitable } from "../src/util/awaitable.ts";
import { type Clock, systemClock } from "../src/util/clock.ts";
import { insteadOf, refuse, refuseRange } from "../src/util/option_errors.ts";
import { checkTable } from "../src/util/option_table.ts";
import { KvEntries, MAX_BYTES, MIN_TTL, toText } from "./cloudflare_kv/entries.ts";
import { KvRecords } from "./cloudflare_kv/records.ts";
import { isKvNamespace, type KvNamespaceLike, MISTAKEN_NAMESPACES } from "./cloudflare_kv/like.ts";

export type { KvNamespaceLike };

/** The longest prefix, in bytes: a key of KV has 512, and one of the store contract 43. */
const LONGEST_PREFIX = 512 - 43;

const OPTIONS = storeTable("CloudflareKvStore", {
  shapes: { namespace: ["any", "async function"], prefix: ["string"] },
  instead: { getStore: "use namespace: (c) => c.env.SESSION" },
  mistakes: [[isKvNamespace, "write { namespace }"]],
});

/**
 * Options of {@linkcode CloudflareKvStore}.
 *
 * @example Next to other things in one namespace
 * ```ts
 * import { CloudflareKvStore, type CloudflareKvStoreOptions } from "@x/hono-session/stores/cloudflare-kv";
 *
 * const options: CloudflareKvStoreOptions = {
 *   namespace: (c) => c.env.MY_APP,
 *   prefix: "my-app:session:",
 * };
 * new CloudflareKvStore(options);
 * ```
 */
export interface CloudflareKvStoreOptions {
  /**
   * The namespace, or a function that finds it in the Hono context, at once or later, as Workers hand their bindings out
   * with requests. It is called for each operation.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its bindings: `(c) => c.env.SESSION`.
  namespace: KvNamespaceLike | ((c: any) => Awaitable<KvNamespaceLike>);
  /**
   * What every key begins with, 469 bytes at most.
   *
   * @default {"session:"}
   */
  prefix?: string;
  /**
   * Tells the time, for tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/**
 * Keeps sessions in Workers KV. It is for sessions that are read everywhere and seldom written. What KV does
 * not promise, this store can't:
 *
 * - **Not every write lasts.** KV has no compare-and-set: of two requests that write at the same time one may
 *   lose its change, and `update()` may lose counts.
 * - **Writes are seen late.** Other locations may read what was there before for 60 seconds or more. For so
 *   long a session that was ended and a token that `regenerate()` replaced may still work there, and a
 *   write there brings them back; a new session may be unknown there.
 * - **One write per second.** KV refuses more to the same key, and the request is answered 503.
 *
 * Where that matters take a store that is strongly consistent.
 *
 * A record is the JSON text under `prefix` and key. KV reclaims it when it has ended, but no earlier than 60
 * seconds after it was written; the time in the record decides.
 *
 * @example Usage
 * ```ts
 * import { CloudflareKvStore } from "@x/hono-session/stores/cloudflare-kv";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new CloudflareKvStore({ namespace: (c) => c.env.SESSION });
 * assertEquals(store.capabilities.consistency, "eventual");
 * ```
 */
export class CloudflareKvStore implements SessionStore {
  /** Neither atomic nor strongly consistent. */
  readonly capabilities: StoreCapabilities = {
    atomic: false,
    index: false,
    consistency: "eventual",
    maxBytes: MAX_BYTES,
    minTtl: MIN_TTL,
  };
  readonly #store: KvRecords;

  /**
   * Asks KV nothing yet.
   *
   * @param options Which namespace.
   * @throws {TypeError} When an option is unknown or of the wrong kind, or `namespace` is neither a namespace nor a
   * function.
   * @throws {RangeError} When `prefix` is too long.
   */
  constructor(options: CloudflareKvStoreOptions) {
    checkTable(OPTIONS, options);
    const { namespace, prefix = "session:", clock = systemClock } = options;
    const instead = insteadOf(namespace, MISTAKEN_NAMESPACES);
    if (instead) refuse("namespace", instead, OPTIONS);
    if (!isKvNamespace(namespace) && typeof namespace !== "function") {
      refuse("namespace", "a KV namespace is required, or a function that finds one", OPTIONS);
    }
    const { length } = new TextEncoder().encode(prefix);
    if (length > LONGEST_PREFIX) {
      refuseRange("prefix", `${length} bytes, at most ${LONGEST_PREFIX} fit into a key`, OPTIONS);
    }
    this.#store = new KvRecords(
      new KvEntries((c) => find(namespace, c), prefix, clock),
      clock,
    );
  }

  /**
   * The record under a key.
   *
   * @param key The key.
   * @param c The Hono context.
   * @returns The record, or `undefined` when there is none here yet or it has expired.
   * @throws {TypeError} When no namespace is found.
   */
  async read(key: string, c?: unknown): Promise<SessionRecord | undefined> {
    return await this.#store.read(key, c);
  }

  /**
   * Stores a new record, without a look at what its key holds.
   *
   * @param key The key, which is random.
   * @param record The record.
   * @param c The Hono context.
   * @returns `true`.
   * @throws {SessionTooLargeError} When it is larger than 25 MiB.
   * @throws {TypeError} When no namespace is found.
   */
  async create(key: string, record: SessionRecord, c?: unknown): Promise<boolean> {
    return await this.#store.create(key, record, c);
  }

  /**
   * Stores a record in place of the one that was read, unless another is seen there by now.
   *
   * @param key The key.
   * @param record The record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than 25 MiB.
   * @throws {TypeError} When no namespace is found.
   */
  async update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
  ): Promise<boolean> {
    return await this.#store.update(key, record, previous, c);
  }

  /**
   * Moves a session to another key: deletes it, then stores it.
   *
   * @param key The key until now.
   * @param next The key from now on and its record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @returns Whether it was moved.
   * @throws {SessionTooLargeError} When it is larger than 25 MiB.
   * @throws {TypeError} When no namespace is found.
   */
  async replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
  ): Promise<boolean> {
    // Too late once the old record is deleted.
    toText(next.record);
    return await this.#store.replace(key, next, previous, c);
  }

  /**
   * Moves the times of a record.
   *
   * @param key The key.
   * @param times The new times.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @returns Whether they were moved.
   * @throws {TypeError} When no namespace is found.
   */
  async touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c?: unknown,
  ): Promise<boolean> {
    return await this.#store.touch(key, times, previous, c);
  }

  /**
   * Deletes a record. Other locations may read it for 60 seconds or more.
   *
   * @param key The key.
   * @param c The Hono context.
   * @throws {TypeError} When no namespace is found.
   */
  async delete(key: string, c?: unknown): Promise<void> {
    await this.#store.delete(key, c);
  }
}

async function find(
  namespace: CloudflareKvStoreOptions["namespace"],
  c: unknown,
): Promise<KvNamespaceLike> {
  if (typeof namespace !== "function") return namespace;
  let cause: unknown;
  try {
    const found: unknown = await namespace(c);
    const instead = insteadOf(found, MISTAKEN_NAMESPACES);
    if (instead) throw new TypeError(instead);
    if (isKvNamespace(found)) return found;
  } catch (error) {
    cause = error;
  }
  const state = c === undefined
    ? "there is no request to find its namespace by"
    : "namespace(c) finds none, is its binding missing?";
  throw new TypeError(`Cannot reach Workers KV: ${state}`, { cause });
}
