import type { Logger } from "../events.ts";
import { isSessionRecord, type SessionRecord } from "../record/record.ts";
import { andThen } from "../util/awaitable.ts";
import type { KeyValueStore } from "./contract.ts";

/** A key that is never set: no hash consists of hyphens. */
const OTHER_KEY = "-".repeat(43);

/**
 * Reads an entry back after the first write: methods with the right names may ignore the key, or return other
 * values.
 */
export class CheckedKeyValueStore implements KeyValueStore {
  readonly #entries: KeyValueStore;
  readonly #logger: Logger;
  #isChecked = false;

  constructor(entries: KeyValueStore, logger: Logger) {
    this.#entries = entries;
    this.#logger = logger;
  }

  get(key: string, c?: unknown): unknown {
    return this.#entries.get(key, c);
  }

  set(key: string, record: SessionRecord, c?: unknown): unknown {
    const answer = this.#entries.set(key, record, c);
    return this.#isChecked ? answer : andThen(answer, () => this.#check(key, c));
  }

  delete(key: string, c?: unknown): unknown {
    return this.#entries.delete(key, c);
  }

  /** @throws {TypeError} When the entries return one session for all keys, or another value for this key. */
  async #check(key: string, c: unknown): Promise<void> {
    const [own, other] = await Promise.all([
      this.#entries.get(key, c),
      this.#entries.get(OTHER_KEY, c),
    ]);
    if (isSessionRecord(other)) {
      const state = "gives a record for a key that was never set; keys are strings";
      await this.#refuse(state, { key, c });
    }
    const isMissing = (own ?? undefined) === undefined;
    if (!isMissing && !isSessionRecord(own)) {
      const kind = Array.isArray(own) ? "array" : typeof own;
      const state = `gives a value of type ${kind} that is not the record that set() was given`;
      await this.#refuse(state, { key, c });
    }
    this.#isChecked = true;
    if (!isMissing) return;
    const state = "get() of the store gives nothing for the key that was just set";
    this.#logger.warn(`Cannot read session: ${state}`);
  }

  /** @throws {TypeError} Always. The entry is deleted first. */
  async #refuse(state: string, { key, c }: { key: string; c: unknown }): Promise<never> {
    await this.#entries.delete(key, c);
    throw new TypeError(`Cannot store session: get() of the store ${state}`);
  }
}
