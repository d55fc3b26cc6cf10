import type { Logger } from "../events.ts";
import { isSessionRecord } from "../record/record.ts";
import { andThen } from "../util/awaitable.ts";
import type { KeyValueStore } from "./contract.ts";

/** A key that is never set: no hash consists of hyphens. */
const OTHER_KEY = "-".repeat(43);

/**
 * Returns the entries of a store, and reads one back after the first write: methods with the right names may ignore the
 * key, or return other values.
 */
export function checkedEntries(entries: KeyValueStore, logger: Logger): KeyValueStore {
  let isChecked = false;

  /** @throws {TypeError} When the entries return one session for all keys, or another value for this key. */
  async function check(key: string, c: unknown): Promise<void> {
    const [own, other] = await Promise.all([entries.get(key, c), entries.get(OTHER_KEY, c)]);
    const isMissing = own === undefined || own === null;
    if (isSessionRecord(other) || !isMissing && !isSessionRecord(own)) {
      await entries.delete(key, c);
      const state = isSessionRecord(other)
        ? "a record for a key that was never set; keys are strings"
        : `a value of type ${Array.isArray(own) ? "array" : typeof own} ` +
          "that is not the record that set() was given";
      throw new TypeError(`Cannot store session: get() of the store returns ${state}`);
    }
    isChecked = true;
    if (!isMissing) return;
    logger.warn(
      "Cannot read session: get() of the store returns nothing for the key that was just set",
    );
  }

  return {
    get: (key, c) => entries.get(key, c),
    set(key, record, c) {
      const answer = entries.set(key, record, c);
      return isChecked ? answer : andThen(answer, () => check(key, c));
    },
    delete: (key, c) => entries.delete(key, c),
  };
}
