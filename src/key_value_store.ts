import { isPromiseLike } from "./promise.ts";
import { isSessionRecord, type SessionRecord, type SessionTimes } from "./record.ts";
import type {
  Awaitable,
  Clock,
  KeyValueStore,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
} from "./store.ts";

/** Goes on at once with a value and later with a promise, so that a `Map` looks and writes in one step. */
function then<Value, Result>(
  value: Value | PromiseLike<Value>,
  next: (value: Value) => Awaitable<Result>,
): Awaitable<Result> {
  return isPromiseLike(value) ? Promise.resolve(value).then(next) : next(value);
}

/** A {@linkcode SessionStore} on whatever has `get`, `set` and `delete`. */
export class AdaptedStore implements SessionStore {
  readonly capabilities: StoreCapabilities;
  readonly #entries: KeyValueStore;
  readonly #clock: Clock;

  constructor(entries: KeyValueStore, clock: Clock) {
    this.#entries = entries;
    this.#clock = clock;
    this.capabilities = {
      atomic: Object.prototype.toString.call(entries) === "[object Map]",
      index: false,
      consistency: "strong",
    };
  }

  read(key: string, c?: unknown): Awaitable<SessionRecord | undefined> {
    return then(
      this.#entries.get(key, c),
      (value) =>
        isSessionRecord(value) && this.#clock() < value.expiresAt ? { ...value } : undefined,
    );
  }

  create(key: string, record: SessionRecord, c?: unknown): Awaitable<boolean> {
    return then(this.read(key, c), (stored) => stored ? false : this.#set(key, record, c));
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
      () => then(this.#entries.delete(key, c), () => this.create(next.key, next.record, c)),
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
    return then(this.#entries.delete(key, c), () => undefined);
  }

  /** Writes over what is stored if that is still the previous record. */
  #over(
    previous: SessionRecord,
    reading: Awaitable<SessionRecord | undefined>,
    write: (stored: SessionRecord) => Awaitable<boolean>,
  ): Awaitable<boolean> {
    return then(reading, (stored) => stored?.version === previous.version && write(stored));
  }

  #set(key: string, record: SessionRecord, c: unknown): Awaitable<boolean> {
    return then(this.#entries.set(key, { ...record }, c), () => true);
  }
}
