import { SessionError, SessionStoreError } from "../errors.ts";
import { isSessionRecord, type SessionRecord, type SessionTimes } from "../record/record.ts";
import { andThen, type Awaitable, isPromiseLike, orElse } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";
import { TimeoutError, withTimeout } from "../util/time_limit.ts";
import { Timers } from "../util/timers.ts";
import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
  StoreWrite,
} from "./contract.ts";
import { UnacknowledgedWrites } from "./unacknowledged_writes.ts";

/** What a {@linkcode TimeoutStore} is given beside its store. */
export interface TimeoutStoreOptions {
  /** How long one operation may take, in milliseconds. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Told of every failure. */
  onError(operation: string, error: SessionStoreError, c: unknown): void;
}

/** One operation that is under way. */
interface Call {
  readonly operation: string;
  readonly c: unknown;
  /** The session that it makes a subject's, under a key that nothing leads to if its answer gets lost. */
  readonly creates?: Placed | undefined;
  /** Calls it off, where that can be done. */
  readonly abort?: AbortController | undefined;
}

/** A record under its key. */
type Placed = Pick<StoreReplacement, "key" | "record">;

/** A store whose operations have a time limit, and whose failures are all {@linkcode SessionStoreError}s. */
export class TimeoutStore {
  readonly capabilities: StoreCapabilities;
  /** How long one operation may take, in milliseconds. */
  readonly timeout: number;
  readonly #store: SessionStore;
  readonly #timers: Timers;
  readonly #options: TimeoutStoreOptions;
  readonly #unanswered: UnacknowledgedWrites;

  constructor(store: SessionStore, options: TimeoutStoreOptions) {
    this.capabilities = store.capabilities;
    this.timeout = options.timeout;
    // A connection keeps the process alive as well. That of a timer costs Deno half as much again as the call.
    const keepsAlive = !this.capabilities.abortable;
    this.#timers = new Timers({ duration: options.timeout, keepsAlive });
    this.#store = store;
    this.#options = options;
    this.#unanswered = new UnacknowledgedWrites(options.clock);
  }

  read(key: string, c: unknown): Awaitable<SessionRecord | undefined> {
    const call = this.#start("read", c);
    try {
      return this.#finish(this.#store.read(key, c, call.abort?.signal), call);
    } catch (cause) {
      throw this.#toError(cause, call);
    }
  }

  create(key: string, record: SessionRecord, c: unknown): Awaitable<StoreWrite> {
    return this.#call(
      { operation: "create", c, creates: { key, record } },
      (signal) => this.#store.create(key, record, c, signal),
    );
  }

  update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c: unknown,
  ): Awaitable<StoreWrite> {
    const call = this.#start("update", c);
    try {
      return this.#finish(this.#store.update(key, record, previous, c, call.abort?.signal), call);
    } catch (cause) {
      throw this.#toError(cause, call);
    }
  }

  replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c: unknown,
  ): Awaitable<StoreWrite> {
    // A token that was rotated leads to it.
    const creates = next.left?.successor === undefined ? next : undefined;
    return this.#call(
      { operation: "replace", c, creates },
      (signal) => this.#store.replace(key, next, previous, c, signal),
    );
  }

  touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c: unknown,
  ): Awaitable<StoreWrite> {
    return this.#call(
      { operation: "touch", c },
      (signal) => this.#store.touch(key, times, previous, c, signal),
    );
  }

  delete(key: string, c: unknown): Awaitable<void> {
    return this.#call({ operation: "delete", c }, (signal) => this.#store.delete(key, c, signal));
  }

  /**
   * The live sessions of a subject.
   *
   * @param isEnough Whether no more are wanted, asked for each.
   */
  list(
    subject: string,
    { isEnough, ...page }: ListPage & { isEnough?: (session: ListedSession) => boolean },
    c: unknown,
  ): Awaitable<ListedSession[]> {
    const run = async (signal: AbortSignal | undefined) => {
      const sessions: ListedSession[] = [];
      for await (const session of this.#store.list!(subject, page, c, signal)) {
        if (this.#unanswered.has(session.key)) {
          await this.#store.delete(session.key, c, signal);
        } else if (isSessionRecord({ data: "", ...session.record })) {
          sessions.push(session);
          if (isEnough?.(session)) break;
        }
      }
      return sessions;
    };
    return this.#call({ operation: "list", c }, run);
  }

  /** The present generation of a subject's sessions; 0 where there are none. */
  generation(subject: string, c: unknown): Awaitable<number> {
    if (!this.#store.generation) return 0;
    return this.#call(
      { operation: "read", c },
      (signal) => this.#store.generation!(subject, c, signal),
    );
  }

  /** Ends all sessions of a subject. */
  deleteAll(subject: string, options: DeleteAllOptions, c: unknown): Awaitable<number> {
    return this.#call(
      { operation: "deleteAll", c },
      (signal) => this.#store.deleteAll!(subject, options, c, signal),
    );
  }

  /**
   * Deletes the session that may have been created although nobody has its token, now and whenever it is listed, or takes
   * the place of one that is still on its way.
   */
  #withdraw({ key, record }: Placed, c: unknown): void {
    const { index, stateless } = this.capabilities;
    if (record.subject === undefined || !index || stateless) return;
    this.#unanswered.add(key);
    // The caller gets its own error, whatever comes of this.
    const obstacle = this.#unanswered.toObstacle(record);
    const isTaken = orElse(() => this.create(key, obstacle, c), () => false);
    void orElse(
      () => andThen(isTaken, (isTaken) => isTaken ? undefined : this.delete(key, c)),
      () => {},
    );
  }

  outdated(record: SessionRecord): boolean {
    return this.#store.outdated?.(record) ?? false;
  }

  /** Runs an operation. What every request needs does so itself, and makes no closure of it. */
  #call<Result>(
    { operation, c, creates }: Call,
    run: (signal: AbortSignal | undefined) => Awaitable<Result>,
  ): Awaitable<Result> {
    const call = this.#start(operation, c, creates);
    try {
      return this.#finish(run(call.abort?.signal), call);
    } catch (cause) {
      throw this.#toError(cause, call);
    }
  }

  #start(operation: string, c: unknown, creates?: Placed): Call {
    const abort = this.capabilities.abortable ? new AbortController() : undefined;
    return { operation, c, creates, abort };
  }

  #finish<Result>(result: Awaitable<Result>, call: Call): Awaitable<Result> {
    return isPromiseLike(result) ? this.#inTime(result, call) : result;
  }

  #inTime<Result>(result: PromiseLike<Result>, call: Call): Promise<Result> {
    return withTimeout(result, {
      timers: this.#timers,
      toError: (cause) => this.#toError(cause, call),
      onTimeout: (error) => call.abort?.abort(error),
    });
  }

  /** Makes the error of a failure, and reports it. */
  #toError(cause: unknown, { operation, c, creates }: Call): SessionError {
    const isFailure = !(cause instanceof SessionError) || cause instanceof SessionStoreError;
    if (!isFailure) return cause;
    if (creates) this.#withdraw(creates, c);
    if (cause instanceof SessionStoreError) return this.#tell(operation, cause, c);
    const state = cause instanceof TimeoutError
      ? `the store did not answer in ${this.timeout / 1000} seconds`
      : "the store failed";
    return this.failure(operation, { state, cause }, c);
  }

  /** The error of an operation that failed, once whoever listens is told. */
  failure(
    operation: string,
    { state, ...options }: ErrorOptions & { readonly state: string },
    c: unknown,
  ): SessionStoreError {
    const error = new SessionStoreError(`Cannot ${operation} session: ${state}`, options);
    return this.#tell(operation, error, c);
  }

  #tell(operation: string, error: SessionStoreError, c: unknown): SessionStoreError {
    this.#options.onError(operation, error, c);
    return error;
  }
}
