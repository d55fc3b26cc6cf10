import { SessionTooLargeError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import type { KeyValueStore } from "../../src/store/contract.ts";
import type { Clock } from "../../src/util/clock.ts";
import type { KvNamespaceLike } from "./like.ts";

/** The largest value of KV, in bytes. */
export const MAX_BYTES = 25 * 1024 * 1024;
/** The shortest time to live that KV accepts, in seconds. */
export const MIN_TTL = 60;
/** The longest time to live that KV accepts, in seconds: a 32-bit integer. */
const MAX_TTL = 2 ** 31 - 1;

const encoder = new TextEncoder();

/** The records in a namespace of Workers KV, as JSON. */
export class KvEntries implements KeyValueStore {
  readonly #find: (c: unknown) => Promise<KvNamespaceLike>;
  readonly #prefix: string;
  readonly #clock: Clock;

  constructor(find: (c: unknown) => Promise<KvNamespaceLike>, prefix: string, clock: Clock) {
    this.#find = find;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  async get(key: string, c?: unknown): Promise<unknown> {
    const namespace = await this.#find(c);
    const text = await namespace.get(this.#prefix + key);
    try {
      return JSON.parse(text ?? "null");
    } catch {
      return undefined;
    }
  }

  async set(key: string, record: SessionRecord, c?: unknown): Promise<void> {
    const text = toText(record);
    const seconds = Math.ceil((record.expiresAt - this.#clock()) / 1000);
    const expirationTtl = Math.min(Math.max(seconds, MIN_TTL), MAX_TTL);
    const namespace = await this.#find(c);
    await namespace.put(this.#prefix + key, text, { expirationTtl });
  }

  async delete(key: string, c?: unknown): Promise<void> {
    const namespace = await this.#find(c);
    await namespace.delete(this.#prefix + key);
  }
}

/**
 * Serializes a record for KV.
 *
 * @throws {SessionTooLargeError} When it is larger than a value of KV.
 */
export function toText(record: SessionRecord): string {
  const text = JSON.stringify(record);
  const { length: size } = encoder.encode(text);
  if (size <= MAX_BYTES) return text;
  throw new SessionTooLargeError(
    `Cannot store session: it is ${size} bytes, at most ${MAX_BYTES} fit into Workers KV`,
    { size, limit: MAX_BYTES },
  );
}
