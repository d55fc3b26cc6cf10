import { SessionError, SessionStoreError } from "../errors.ts";
import type { SessionEndReason } from "../record/end_reason.ts";
import { isSessionRecord, type SessionRecord, type SessionTimes } from "../record/record.ts";
import { andThen, type Awaitable, isPromiseLike, orElse } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";
import { TimeoutError, withTimeout } from "../util/time_limit.ts";
import { makeTimers, type Timers } from "../util/timers.ts";
import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
  StoreStats,
  StoreWrite,
} from "./contract.ts";
import { type Operation, OperationLimit, type Placed } from "./operation.ts";
import { PendingReads } from "./pending_reads.ts";
import { UnacknowledgedWrites } from "./unacknowledged_writes.ts";

/** Options of {@linkcode TimeoutStore}. */
export interface TimeoutStoreOptions {
  /** The time limit of one operation, in milliseconds. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Called with every failure. */
  onError(operation: string, error: SessionStoreError, c: unknown): void;
}

/** A store whose operations have a time limit, and whose failures are all {@linkcode SessionStoreError}s. */
export class TimeoutStore {
  readonly capabilities: StoreCapabilities;
  /** The time limit of one operation, in milliseconds. */
  readonly timeout: number;
  readonly #store: SessionStore;
  readonly #timers: Timers;
  readonly #options: TimeoutStoreOptions;
  readonly #unanswered: UnacknowledgedWrites;
  /** The first reads of logins. */
  readonly logins: PendingReads;

  constructor(store: SessionStore, options: TimeoutStoreOptions) {
    this.capabilities = store.capabilities;
    this.timeout = options.timeout;
    this.logins = new PendingReads(options.timeout);
    this.#timers = makeTimers(options.timeout);
    this.#store = store;
    this.#options = options;
    this.#unanswered = new UnacknowledgedWrites(options.clock);
  }

  read(key: string, c: unknown): Awaitable<SessionRecord | undefined> {
    const abort = this.#newAbort();
    try {
      const result = this.#store.read(key, c, abort?.signal);
      return isPromiseLike(result) ? this.#inTime(result, { operation: "read", c, abort }) : result;
    } catch (cause) {
      throw this.toError(cause, { operation: "read", c });
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
    const abort = this.#newAbort();
    try {
      const result = this.#store.update(key, record, previous, c, abort?.signal);
      return isPromiseLike(result)
        ? this.#inTime(result, { operation: "update", c, abort })
        : result;
    } catch (cause) {
      throw this.toError(cause, { operation: "update", c });
    }
  }

  replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c: unknown,
  ): Awaitable<StoreWrite> {
    // A rotated token leads to the new record.
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

  delete(key: string, c: unknown, reason?: SessionEndReason): Awaitable<void> {
    const call = { operation: "delete", c };
    return this.#call(call, (signal) => this.#store.delete(key, c, signal, reason));
  }

  /**
   * Lists the live sessions of a subject.
   *
   * @param isEnough Called for each session; returns whether no more are wanted.
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

  /** Returns the current generation of a subject's sessions; 0 where the store has none. */
  generation(subject: string, c: unknown): Awaitable<number> {
    if (!this.#store.generation) return 0;
    const run = (signal?: AbortSignal) => this.#store.generation!(subject, c, signal);
    return this.logins.add(subject, this.#call({ operation: "read", c }, run));
  }

  /** Ends all sessions of a subject, after the first reads of earlier logins, whichever connection they use. */
  deleteAll(subject: string, options: DeleteAllOptions, c: unknown): Awaitable<number> {
    const call = { operation: "deleteAll", c };
    const run = (signal?: AbortSignal) => this.#store.deleteAll!(subject, options, c, signal);
    return andThen(this.logins.over(subject), () => this.#call(call, run));
  }

  /** Counts the live sessions of all subjects. */
  stats(c: unknown): Awaitable<StoreStats> {
    return this.#call({ operation: "count", c }, (signal) => this.#store.stats!(c, signal));
  }

  /**
   * Deletes a session that may have been created although nobody received its token, now and whenever it is
   * listed. If its write may still arrive, an obstacle takes its key.
   */
  #withdraw({ key, record }: Placed, c: unknown): void {
    const { index, stateless } = this.capabilities;
    if (record.subject === undefined || !index || stateless) return;
    this.#unanswered.add(key);
    // The caller gets the original error in any case.
    const obstacle = this.#unanswered.toObstacle(record);
    const isTaken = orElse(() => this.create(key, obstacle, c), () => false);
    void orElse(
      () => andThen(isTaken, (isTaken) => isTaken ? undefined : this.delete(key, c)),
      () => {},
    );
  }

  /** Runs an operation that is not one of the store, with the same time limit. */
  run<Result>(operation: string, run: () => Awaitable<Result>, c: unknown): Awaitable<Result> {
    return this.#call({ operation, c }, run);
  }

  outdated(record: SessionRecord): boolean {
    return this.#store.outdated?.(record) ?? false;
  }

  /** Runs an operation. The operations of every request are inlined instead, to avoid a closure. */
  #call<Result>(
    operation: Operation,
    run: (signal: AbortSignal | undefined) => Awaitable<Result>,
  ): Awaitable<Result> {
    const abort = this.#newAbort();
    try {
      const result = run(abort?.signal);
      return isPromiseLike(result) ? this.#inTime(result, { ...operation, abort }) : result;
    } catch (cause) {
      throw this.toError(cause, operation);
    }
  }

  /** Makes what aborts an operation, if the store supports it. */
  #newAbort(): AbortController | undefined {
    return this.capabilities.abortable ? new AbortController() : undefined;
  }

  #inTime<Result>(result: PromiseLike<Result>, operation: Operation): Promise<Result> {
    return withTimeout(result, new OperationLimit(this, this.#timers, operation));
  }

  /** Makes the error of a failure, and reports it. */
  toError(cause: unknown, { operation, c, creates }: Operation): SessionError {
    const isFailure = !(cause instanceof SessionError) || cause instanceof SessionStoreError;
    if (!isFailure) return cause;
    if (creates) this.#withdraw(creates, c);
    if (cause instanceof SessionStoreError) return this.#tell(operation, cause, c);
    const state = cause instanceof TimeoutError
      ? `the store did not answer in ${this.timeout / 1000} seconds`
      : "the store failed";
    return this.failure(operation, { state, cause }, c);
  }

  /** Reports the failure of an operation and returns its error. */
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
