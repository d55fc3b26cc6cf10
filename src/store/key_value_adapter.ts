import { isSessionRecord, type SessionRecord, type SessionTimes } from "../record/record.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";
import type {
  KeyValueStore,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
} from "./contract.ts";

/**
 * Adapts an object with `get`, `set` and `delete` to a {@linkcode SessionStore}. A `Map` checks and writes in
 * one step.
 */
export class KeyValueAdapter implements SessionStore {
  readonly capabilities: StoreCapabilities;
  readonly #entries: KeyValueStore;
  readonly #clock: Clock;

  constructor(entries: KeyValueStore, clock: Clock) {
    this.#entries = entries;
    this.#clock = clock;
    this.capabilities = {
      atomic: isMap(entries),
      index: false,
      consistency: "strong",
    };
  }

  read(key: string, c?: unknown): Awaitable<SessionRecord | undefined> {
    return andThen(
      this.#entries.get(key, c),
      (value) =>
        isSessionRecord(value) && this.#clock() < value.expiresAt ? { ...value } : undefined,
    );
  }

  create(key: string, record: SessionRecord, c?: unknown): Awaitable<boolean> {
    return andThen(this.read(key, c), (stored) => stored ? false : this.#set(key, record, c));
  }

  update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
  ): Awaitable<boolean> {
    return this.#over(previous, this.read(key, c), () => this.#set(key, record, c));
  }

  replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
  ): Awaitable<boolean> {
    return this.#over(
      previous,
      this.read(key, c),
      () =>
        andThen(
          next.left ? this.#set(key, next.left, c) : this.#entries.delete(key, c),
          () => this.create(next.key, next.record, c),
        ),
    );
  }

  touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c?: unknown,
  ): Awaitable<boolean> {
    return this.#over(
      previous,
      this.read(key, c),
      (stored) => this.#set(key, { ...stored, ...times }, c),
    );
  }

  delete(key: string, c?: unknown): Awaitable<void> {
    return andThen(this.#entries.delete(key, c), () => undefined);
  }

  /** Writes over the stored record if it is still the previous one. */
  #over(
    previous: SessionRecord,
    reading: Awaitable<SessionRecord | undefined>,
    write: (stored: SessionRecord) => Awaitable<boolean>,
  ): Awaitable<boolean> {
    return andThen(reading, (stored) => stored?.version === previous.version && write(stored));
  }

  #set(key: string, record: SessionRecord, c: unknown): Awaitable<boolean> {
    return andThen(this.#entries.set(key, { ...record }, c), () => true);
  }
}

/** Checks whether entries are a `Map`, of any realm. */
export function isMap(entries: KeyValueStore): boolean {
  return Object.prototype.toString.call(entries) === "[object Map]";
}
