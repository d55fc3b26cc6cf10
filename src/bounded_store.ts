import { SessionError, SessionStoreError } from "./errors.ts";
import { isPromiseLike } from "./promise.ts";
import { isSessionRecord, type SessionRecord, type SessionTimes } from "./record.ts";
import type {
  Awaitable,
  DeleteAllOptions,
  ListedSession,
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

/** One operation that is under way. */
interface Call {
  readonly operation: string;
  readonly c: unknown;
  /** Calls it off, where that can be done. */
  readonly abort?: AbortController | undefined;
}

/** A store whose operations end in time, and whose failures are all {@linkcode SessionStoreError}s. */
export class BoundedStore {
  readonly capabilities: StoreCapabilities;
  /** How long one operation may take, in milliseconds. */
  readonly timeout: number;
  readonly #store: SessionStore;
  readonly #options: BoundedStoreOptions;

  constructor(store: SessionStore, options: BoundedStoreOptions) {
    this.capabilities = store.capabilities;
    this.timeout = options.timeout;
    this.#store = store;
    this.#options = options;
  }

  read(key: string, c: unknown): Awaitable<SessionRecord | undefined> {
    return this.#call("read", (signal) => this.#store.read(key, c, signal), c);
  }

  create(key: string, record: SessionRecord, c: unknown): Awaitable<StoreWrite> {
    return this.#call("create", (signal) => this.#store.create(key, record, c, signal), c);
  }

  update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c: unknown,
  ): Awaitable<StoreWrite> {
    return this.#call(
      "update",
      (signal) => this.#store.update(key, record, previous, c, signal),
      c,
    );
  }

  replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c: unknown,
  ): Awaitable<StoreWrite> {
    return this.#call(
      "replace",
      (signal) => this.#store.replace(key, next, previous, c, signal),
      c,
    );
  }

  touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c: unknown,
  ): Awaitable<StoreWrite> {
    return this.#call("touch", (signal) => this.#store.touch(key, times, previous, c, signal), c);
  }

  delete(key: string, c: unknown): Awaitable<void> {
    return this.#call("delete", (signal) => this.#store.delete(key, c, signal), c);
  }

  /** The live sessions of a subject. */
  list(subject: string, c: unknown): Awaitable<ListedSession[]> {
    return this.#call("list", async (signal) => {
      const sessions: ListedSession[] = [];
      for await (const session of this.#store.list!(subject, c, signal)) {
        if (isSessionRecord({ data: "", ...session.record })) sessions.push(session);
      }
      return sessions;
    }, c);
  }

  /** The present generation of a subject's sessions; 0 where there are none. */
  generation(subject: string, c: unknown): Awaitable<number> {
    if (!this.#store.generation) return 0;
    return this.#call(
      "read",
      (signal) => this.#store.generation!(subject, c, signal),
      c,
    );
  }

  /** Ends all sessions of a subject. */
  deleteAll(subject: string, options: DeleteAllOptions, c: unknown): Awaitable<number> {
    return this.#call(
      "deleteAll",
      (signal) => this.#store.deleteAll!(subject, options, c, signal),
      c,
    );
  }

  outdated(record: SessionRecord): boolean {
    return this.#store.outdated?.(record) ?? false;
  }

  #call<Result>(
    operation: string,
    run: (signal: AbortSignal | undefined) => Awaitable<Result>,
    c: unknown,
  ): Awaitable<Result> {
    const abort = this.capabilities.abortable ? new AbortController() : undefined;
    try {
      const result = run(abort?.signal);
      return isPromiseLike(result) ? this.#inTime(result, { operation, abort, c }) : result;
    } catch (cause) {
      throw this.#toError(cause, { operation, c });
    }
  }

  /** The same result, or a failure when it does not come in time. */
  #inTime<Result>(result: PromiseLike<Result>, call: Call): Promise<Result> {
    const { timeout } = this;
    // One promise, and none to race with: most calls of a store are over in less time than those would take.
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => {
        clearTimeout(timer);
        if (isOver) return;
        isOver = true;
        reject(this.#toError(cause, call));
      };
      let isOver = false;
      const timer = setTimeout(() => {
        const late = new TimeoutError(`the store did not answer in ${timeout / 1000} seconds`);
        fail(late);
        call.abort?.abort(late);
      }, timeout);
      // Its connection keeps the process alive. That of a timer costs Deno half as much again as the call.
      if (call.abort) (timer as { unref?(): unknown }).unref?.();
      const succeed = (value: Result) => {
        clearTimeout(timer);
        resolve(value);
      };
      try {
        result.then(succeed, fail);
      } catch (cause) {
        fail(cause);
      }
    });
  }

  /** What is told of a failure, which is told to whoever listens as well. */
  #toError(cause: unknown, { operation, c }: Call): SessionError {
    if (cause instanceof SessionError) return cause;
    const state = cause instanceof TimeoutError ? cause.message : "the store failed";
    const error = new SessionStoreError(`Cannot ${operation} session: ${state}`, { cause });
    this.#options.onError(operation, error, c);
    return error;
  }
}

class TimeoutError extends Error {}
