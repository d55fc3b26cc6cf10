import { SessionError, SessionStoreError } from "../errors.ts";
import type { SessionEndReason } from "../record/end_reason.ts";
import { isSessionRecord, type SessionRecord, type SessionTimes } from "../record/record.ts";
import { makeTrace } from "../record/trace.ts";
import { andThen, type Awaitable, isPromiseLike, orElse } from "../util/awaitable.ts";
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
import type { SessionOperations } from "./current_sessions.ts";
import { LATEST_WRITE, type Operation, type TimeoutStoreOptions } from "./operation.ts";
import { PendingReads } from "./pending_reads.ts";
import { TimeoutError, withTimeLimit } from "./time_limit.ts";

/** The largest number of failed writes that are remembered. */
const MOST_UNANSWERED = 1000;

/** A store whose operations have a time limit, and whose failures are all {@linkcode SessionStoreError}s. */
export class TimeoutStore {
  readonly capabilities: StoreCapabilities;
  /** The time limit of one operation, in milliseconds. */
  readonly timeout: number;
  readonly timers: Timers;
  readonly #store: SessionStore;
  readonly #sessions: SessionOperations;
  readonly #options: TimeoutStoreOptions;
  /** The keys of subjects' sessions whose creation failed but may still reach the store. Nobody has a token for them. */
  readonly #unanswered = new Set<string>();
  /** The first reads of logins. */
  readonly logins: PendingReads;

  constructor(store: SessionStore, options: TimeoutStoreOptions) {
    this.capabilities = store.capabilities;
    this.timeout = options.timeout;
    this.logins = new PendingReads(options.timeout);
    this.timers = makeTimers(options.timeout);
    this.#store = store;
    this.#sessions = options.sessions ?? store;
    this.#options = options;
  }

  read(key: string, c: unknown): Awaitable<SessionRecord | undefined> {
    const abort = this.#newAbort();
    try {
      const result = this.#sessions.read(key, c, abort?.signal);
      return isPromiseLike(result)
        ? withTimeLimit(result, { store: this, operation: "read", c, abort })
        : result;
    } catch (cause) {
      throw this.toError(cause, { operation: "read", c });
    }
  }

  create(key: string, record: SessionRecord, c: unknown): Awaitable<StoreWrite> {
    return this.run(
      { operation: "create", c, creates: { key, record } },
      (signal) => this.#sessions.create(key, record, c, signal),
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
      const result = this.#sessions.update(key, record, previous, c, abort?.signal);
      return isPromiseLike(result)
        ? withTimeLimit(result, { store: this, operation: "update", c, abort })
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
    return this.run(
      { operation: "replace", c, creates },
      (signal) => this.#sessions.replace(key, next, previous, c, signal),
    );
  }

  touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c: unknown,
  ): Awaitable<StoreWrite> {
    return this.run(
      { operation: "touch", c },
      (signal) => this.#sessions.touch(key, times, previous, c, signal),
    );
  }

  delete(key: string, c: unknown, reason?: SessionEndReason): Awaitable<void> {
    const call = { operation: "delete", c };
    return this.run(call, (signal) => this.#store.delete(key, c, signal, reason));
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
      for await (const session of this.#sessions.list!(subject, page, c, signal)) {
        if (this.#unanswered.has(session.key)) {
          await this.#store.delete(session.key, c, signal);
        } else if (isSessionRecord({ data: "", ...session.record })) {
          sessions.push(session);
          if (isEnough?.(session)) break;
        }
      }
      return sessions;
    };
    return this.run({ operation: "list", c }, run);
  }

  /** Returns the current generation of a subject's sessions; 0 where the store has none. */
  generation(subject: string, c: unknown): Awaitable<number> {
    if (!this.#store.generation) return 0;
    const run = (signal?: AbortSignal) => this.#store.generation!(subject, c, signal);
    return this.logins.add(subject, this.run({ operation: "read", c }, run));
  }

  /** Ends all sessions of a subject, after the first reads of earlier logins, whichever connection they use. */
  deleteAll(subject: string, options: DeleteAllOptions, c: unknown): Awaitable<number> {
    const run = (signal?: AbortSignal) => this.#store.deleteAll!(subject, options, c, signal);
    return andThen(this.logins.over(subject), () => this.run({ operation: "deleteAll", c }, run));
  }

  /** Counts the live sessions of all subjects. */
  stats(c: unknown): Awaitable<StoreStats> {
    return this.run({ operation: "count", c }, (signal) => this.#store.stats!(c, signal));
  }

  /**
   * Deletes a session that may have been created although nobody received its token, now and whenever it is
   * listed. If its write may still arrive, an obstacle takes its key. The caller gets the original error in any case.
   */
  async #withdraw(
    { key, record: { sid, subject } }: NonNullable<Operation["creates"]>,
    c: unknown,
  ): Promise<void> {
    const { index, stateless } = this.capabilities;
    if (subject === undefined || !index || stateless) return;
    this.#unanswered.add(key);
    const [oldest] = this.#unanswered;
    if (this.#unanswered.size > MOST_UNANSWERED) this.#unanswered.delete(oldest!);
    const obstacle = makeTrace("ended", { sid, expiresAt: this.#options.clock() + LATEST_WRITE });
    const isTaken = await orElse(() => this.create(key, obstacle, c), () => false);
    if (!isTaken) await orElse(() => this.delete(key, c), () => {});
  }

  outdated(record: SessionRecord): boolean {
    return this.#store.outdated?.(record) ?? false;
  }

  /**
   * Runs an operation, which may be one of another store, with the time limit. `read` and `update`, which most requests
   * call, do the same without a closure.
   */
  run<Result>(
    operation: Operation,
    run: (signal: AbortSignal | undefined) => Awaitable<Result>,
  ): Awaitable<Result> {
    const abort = this.#newAbort();
    try {
      const result = run(abort?.signal);
      return isPromiseLike(result)
        ? withTimeLimit(result, { store: this, ...operation, abort })
        : result;
    } catch (cause) {
      throw this.toError(cause, operation);
    }
  }

  /** Makes what aborts an operation, if the store supports it. */
  #newAbort(): AbortController | undefined {
    return this.capabilities.abortable ? new AbortController() : undefined;
  }

  /** Makes the error of a failure, and reports it. */
  toError(cause: unknown, { operation, c, creates }: Operation): SessionError {
    const isKnown = cause instanceof SessionStoreError;
    if (cause instanceof SessionError && !isKnown) return cause;
    if (creates) void this.#withdraw(creates, c);
    const state = cause instanceof TimeoutError ? cause.message : "the store failed";
    const error = isKnown
      ? cause
      : new SessionStoreError(`Cannot ${operation} session: ${state}`, { cause });
    this.#options.onError(operation, error, c);
    return error;
  }
}
