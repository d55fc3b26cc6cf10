import type { Awaitable } from "../../src/util/awaitable.ts";
import { hasMethods, type Mistakes } from "../../src/util/option_errors.ts";

/**
 * The methods of a Workers KV namespace that this store uses.
 *
 * @example A stand-in for tests
 * ```ts
 * import type { KvNamespaceLike } from "@x/hono-session/stores/cloudflare-kv";
 *
 * const entries = new Map<string, string>();
 * const namespace: KvNamespaceLike = {
 *   get: (key) => entries.get(key) ?? null,
 *   put: (key, value) => void entries.set(key, value),
 *   delete: (key) => void entries.delete(key),
 * };
 * await namespace.put("greeting", "hello", { expirationTtl: 60 });
 * ```
 */
export interface KvNamespaceLike {
  /**
   * Reads a text.
   *
   * @param key The key.
   * @returns The text; `null` when there is none.
   */
  get(key: string): Awaitable<string | null>;
  /**
   * Writes a text.
   *
   * @param key The key.
   * @param value The text.
   * @param options `expirationTtl`: the time to live in seconds, an integer of at least 60.
   */
  put(key: string, value: string, options: { expirationTtl: number }): Awaitable<void>;
  /**
   * Deletes a text.
   *
   * @param key The key.
   */
  delete(key: string): Awaitable<void>;
}

/** Checks whether a value has the methods of a namespace. */
export function isKvNamespace(value: unknown): value is KvNamespaceLike {
  return hasMethods(value, "get", "put", "delete");
}

/** Common mistakes in the option `namespace`, and what to do instead. */
export const MISTAKEN_NAMESPACES: Mistakes = [
  [
    (value) => typeof value === "string",
    "pass the binding itself, not its name: (c) => c.env.SESSION",
  ],
  [
    (value) => hasMethods(value, "idFromName", "get"),
    "it is a Durable Object namespace, use new DurableObjectStore({ namespace })",
  ],
  [(value) => hasMethods(value, "createMultipartUpload"), "it is an R2 bucket, which keeps files"],
  [(value) => hasMethods(value, "getAlarm"), "it is the storage of a Durable Object"],
];
