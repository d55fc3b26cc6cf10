import type { Logger } from "../events.ts";
import { isSessionRecord, type SessionRecord } from "../record/record.ts";
import { andThen } from "../util/awaitable.ts";
import type { KeyValueStore } from "./contract.ts";

/** A key that is never set: no hash is all hyphens. */
const OTHER_KEY = "-".repeat(43);

/**
 * Entries that are read once after the first that is set: methods of the right names may be for other keys, or give back
 * other values.
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

  /** @throws {TypeError} When the entries give one session for all keys, or something else for this one. */
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

  /** @throws {TypeError} Always. What was set can't stay. */
  async #refuse(state: string, { key, c }: { key: string; c: unknown }): Promise<never> {
    await this.#entries.delete(key, c);
    throw new TypeError(`Cannot store session: get() of the store ${state}`);
  }
}
