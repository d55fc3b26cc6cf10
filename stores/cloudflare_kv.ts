/**
 * Sessions in Cloudflare Workers KV, which is fast in every location and eventually consistent.
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
import { insteadOf, refuse, refuseRange, withoutContext } from "../src/util/option_errors.ts";
import { checkTable } from "../src/util/option_table.ts";
import { ANY, STRING } from "../src/util/shapes.ts";
import { KvEntries, MAX_BYTES, MIN_TTL, toText } from "./cloudflare_kv/entries.ts";
import { KvRecords } from "./cloudflare_kv/records.ts";
import { isKvNamespace, type KvNamespaceLike, MISTAKEN_NAMESPACES } from "./cloudflare_kv/like.ts";

export type { KvNamespaceLike };

/** The longest prefix, in bytes: keys of KV have at most 512, and the keys of sessions have 43. */
const LONGEST_PREFIX = 512 - 43;

const OPTIONS = storeTable("CloudflareKvStore", {
  shapes: { namespace: ANY, prefix: STRING },
  instead: { getStore: "use namespace: (c) => c.env.SESSION" },
  mistakes: [[isKvNamespace, "write { namespace }"]],
});

/**
 * Options of {@linkcode CloudflareKvStore}.
 *
 * @example A namespace that holds other entries as well
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
   * The namespace, or a function that returns it or a promise of it for the Hono context, because Workers
   * provide bindings per request. The function is called for each operation.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its bindings: `(c) => c.env.SESSION`.
  namespace: KvNamespaceLike | ((c: any) => Awaitable<KvNamespaceLike>);
  /**
   * The prefix of every key, 469 bytes at most.
   *
   * @default {"session:"}
   */
  prefix?: string;
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/**
 * Keeps sessions in Workers KV. Use it for sessions that are read everywhere and rarely written. The store has
 * the limits of KV:
 *
 * - **Writes can be lost.** KV has no compare-and-set: of two concurrent writes one may be lost, and `update()`
 *   may lose increments.
 * - **Writes are visible late.** Other locations may read old values for 60 seconds or more. In that time an
 *   ended session and a token that `regenerate()` replaced may still be accepted there, a write there restores
 *   them, and a new session may be unknown there.
 * - **One write per second.** KV refuses more writes to the same key, and the response is a 503.
 *
 * If that matters, use a strongly consistent store.
 *
 * A record is stored as JSON under `prefix` and key. KV removes it after its expiry, at the earliest 60 seconds
 * after it was written; the expiry in the record decides.
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
   * Creates the store. It does not access KV yet.
   *
   * @param options The namespace, and other options.
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
   * Reads the record under a key.
   *
   * @param key The key.
   * @param c The Hono context.
   * @returns The record, or `undefined` when there is none in this location or it has expired.
   * @throws {TypeError} When no namespace was found.
   */
  async read(key: string, c?: unknown): Promise<SessionRecord | undefined> {
    return await this.#store.read(key, c);
  }

  /**
   * Stores a new record without checking its key.
   *
   * @param key The key; it is random.
   * @param record The record.
   * @param c The Hono context.
   * @returns `true`.
   * @throws {SessionTooLargeError} When it is larger than 25 MiB.
   * @throws {TypeError} When no namespace was found.
   */
  async create(key: string, record: SessionRecord, c?: unknown): Promise<boolean> {
    return await this.#store.create(key, record, c);
  }

  /**
   * Replaces the record that was read, unless this location has another one by now.
   *
   * @param key The key.
   * @param record The record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than 25 MiB.
   * @throws {TypeError} When no namespace was found.
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
   * Moves a session to another key: deletes the old record, then stores the new one.
   *
   * @param key The previous key.
   * @param next The new key and its record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @returns Whether it was moved.
   * @throws {SessionTooLargeError} When it is larger than 25 MiB.
   * @throws {TypeError} When no namespace was found.
   */
  async replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
  ): Promise<boolean> {
    // Fails before the old record is deleted.
    toText(next.record);
    return await this.#store.replace(key, next, previous, c);
  }

  /**
   * Changes the times of a record.
   *
   * @param key The key.
   * @param times The new times.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @returns Whether they were changed.
   * @throws {TypeError} When no namespace was found.
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
   * @throws {TypeError} When no namespace was found.
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
    ? `namespace(c) failed${withoutContext(c)}`
    : "namespace(c) finds none, is its binding missing?";
  throw new TypeError(`Cannot reach Workers KV: ${state}`, { cause });
}
