import { SessionError, SessionStoreError } from "./errors.ts";
import { isPromiseLike } from "./promise.ts";
import type { SessionRecord, SessionTimes } from "./record.ts";
import type {
  Awaitable,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
  StoreWrite,
} from "./store.ts";

/** What a {@linkcode BoundedStore} is given beside its store. */
export interface BoundedStoreOptions {
  /** How long one operation may take, in milliseconds. */
  readonly timeout: number;
  /** Told of every failure. */
  onError(operation: string, error: SessionStoreError, c: unknown): void;
}

/** A store whose operations end in time, and whose failures are all {@linkcode SessionStoreError}s. */
export class BoundedStore implements SessionStore {
  readonly capabilities: StoreCapabilities;
  readonly #store: SessionStore;
  readonly #options: BoundedStoreOptions;

  constructor(store: SessionStore, options: BoundedStoreOptions) {
    this.capabilities = store.capabilities;
    this.#store = store;
    this.#options = options;
  }

  read(key: string, c: unknown): Promise<SessionRecord | undefined> {
    return this.#call("read", () => this.#store.read(key, c), c);
  }

  create(key: string, record: SessionRecord, c: unknown): Promise<StoreWrite> {
    return this.#call("create", () => this.#store.create(key, record, c), c);
  }

  update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c: unknown,
  ): Promise<StoreWrite> {
    return this.#call("update", () => this.#store.update(key, record, previous, c), c);
  }

  replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c: unknown,
  ): Promise<StoreWrite> {
    return this.#call("replace", () => this.#store.replace(key, next, previous, c), c);
  }

  touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c: unknown,
  ): Promise<StoreWrite> {
    return this.#call("touch", () => this.#store.touch(key, times, previous, c), c);
  }

  delete(key: string, c: unknown): Promise<void> {
    return this.#call("delete", () => this.#store.delete(key, c), c);
  }

  outdated(record: SessionRecord): boolean {
    return this.#store.outdated?.(record) ?? false;
  }

  async #call<Result>(
    operation: string,
    run: () => Awaitable<Result>,
    c: unknown,
  ): Promise<Result> {
    try {
      const result = run();
      return isPromiseLike(result) ? await this.#inTime(result) : result;
    } catch (cause) {
      if (cause instanceof SessionError) throw cause;
      const state = cause instanceof TimeoutError ? cause.message : "the store failed";
      const error = new SessionStoreError(`Cannot ${operation} session: ${state}`, { cause });
      this.#options.onError(operation, error, c);
      throw error;
    }
  }

  async #inTime<Result>(result: PromiseLike<Result>): Promise<Result> {
    const { timeout } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new TimeoutError(`the store did not answer in ${timeout / 1000} seconds`)),
        timeout,
      );
    });
    try {
      return await Promise.race([result, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

class TimeoutError extends Error {}
