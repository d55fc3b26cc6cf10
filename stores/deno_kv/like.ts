/**
 * A key of Deno KV, as this store uses them.
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
 * The properties of a Deno KV entry that this store uses.
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
  /** The value; `null` when there is none. */
  readonly value: unknown;
  /** The version of the entry; `null` when there is none. */
  readonly versionstamp: string | null;
}

/**
 * The methods of a Deno KV atomic operation that this store uses.
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
   * @param options `expireIn`: the time to live, in milliseconds.
   */
  set(key: KvKeyLike, value: unknown, options?: { expireIn?: number }): KvAtomicLike;
  /**
   * Deletes a value.
   *
   * @param key The key.
   */
  delete(key: KvKeyLike): KvAtomicLike;
  /**
   * Adds to a counter. Without this method, `session.ended` notices ends in other processes only by reading.
   *
   * @param key The key.
   * @param number The number, of 64 bits.
   */
  sum?(key: KvKeyLike, number: bigint): KvAtomicLike;
  /** Commits all of it, or nothing. */
  commit(): Promise<{ ok: boolean; versionstamp?: string }>;
}

/**
 * The methods of Deno KV that this store uses: `Deno.Kv`, or the handle of `@deno/kv`.
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
   * Reads the entries whose keys start with a prefix and are longer.
   *
   * @param selector The prefix.
   * @param options `batchSize`: the number of entries per request.
   */
  list(
    selector: { prefix: KvKeyLike },
    options?: { batchSize?: number },
  ): AsyncIterable<KvEntryLike>;
  /** Starts an atomic operation. */
  atomic(): KvAtomicLike;
  /**
   * Reports changes of entries. It is used only with Deno's own databases: a cancelled stream of `@deno/kv` can block
   * the process. Elsewhere `session.ended` notices ends in other processes by reading.
   *
   * @param keys The keys, ten at most.
   * @returns A stream of the entries: those that are there, then all of them after each change.
   */
  watch?(keys: KvKeyLike[]): {
    getReader(): {
      read(): Promise<{ value?: KvEntryLike[] | undefined }>;
      cancel(): Promise<void>;
    };
  };
  /** Closes the database. */
  close(): void;
}
