/**
 * A key of Deno KV as this store makes them.
 *
 * @example Usage
 * ```ts
 * import type { KvKeyLike } from "@x/hono-session/stores/deno-kv";
 *
 * const key: KvKeyLike = ["session", "Sxwn…", 0];
 * console.assert(key.length === 3);
 * ```
 */
export type KvKeyLike = readonly (string | number)[];

/**
 * What this store needs of an entry of Deno KV.
 *
 * @example Usage
 * ```ts
 * import type { KvEntryLike } from "@x/hono-session/stores/deno-kv";
 *
 * const missing: KvEntryLike = { key: ["session", "Sxwn…"], value: null, versionstamp: null };
 * console.assert(missing.value === null);
 * ```
 */
export interface KvEntryLike {
  /** The key. */
  readonly key: readonly unknown[];
  /** The value, `null` when there is none. */
  readonly value: unknown;
  /** The version of the entry, `null` when there is none. */
  readonly versionstamp: string | null;
}

/**
 * What this store needs of an atomic operation of Deno KV.
 *
 * @example Usage
 * ```ts
 * import type { KvAtomicLike } from "@x/hono-session/stores/deno-kv";
 *
 * const kv = await Deno.openKv(":memory:");
 * const atomic: KvAtomicLike = kv.atomic();
 * await atomic.set(["greeting"], "hello").commit();
 * kv.close();
 * ```
 */
export interface KvAtomicLike {
  /**
   * Makes the commit depend on the version of an entry.
   *
   * @param checks The entries.
   */
  check(...checks: { key: KvKeyLike; versionstamp: string | null }[]): KvAtomicLike;
  /**
   * Sets a value.
   *
   * @param key The key.
   * @param value The value.
   * @param options `expireIn`: when it may be reclaimed, in milliseconds from now.
   */
  set(key: KvKeyLike, value: unknown, options?: { expireIn?: number }): KvAtomicLike;
  /**
   * Deletes a value.
   *
   * @param key The key.
   */
  delete(key: KvKeyLike): KvAtomicLike;
  /** Does it all, or nothing. */
  commit(): Promise<{ ok: boolean; versionstamp?: string }>;
}

/**
 * What this store needs of Deno KV: `Deno.Kv`, or the handle of `@deno/kv`.
 *
 * @example Usage
 * ```ts
 * import type { KvLike } from "@x/hono-session/stores/deno-kv";
 *
 * const kv: KvLike = await Deno.openKv(":memory:");
 * kv.close();
 * ```
 */
export interface KvLike {
  /**
   * Reads an entry.
   *
   * @param key The key.
   */
  get(key: KvKeyLike): Promise<KvEntryLike>;
  /**
   * Reads up to ten entries.
   *
   * @param keys The keys.
   */
  getMany(keys: KvKeyLike[]): Promise<KvEntryLike[]>;
  /**
   * Reads the entries whose keys begin with a prefix, and are longer.
   *
   * @param selector The prefix.
   * @param options `batchSize`: how many entries one request reads.
   */
  list(
    selector: { prefix: KvKeyLike },
    options?: { batchSize?: number },
  ): AsyncIterable<KvEntryLike>;
  /** Begins an atomic operation. */
  atomic(): KvAtomicLike;
  /** Closes the database. */
  close(): void;
}
