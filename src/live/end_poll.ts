import type { Ending } from "../commit/context.ts";
import { SessionStoreError } from "../errors.ts";
import type { SessionEndReason } from "../record/end_reason.ts";
import { deadline } from "../record/expiry.ts";
import type { SessionStore } from "../store/contract.ts";
import { monotonicTime } from "../util/clock.ts";
import { unref } from "../util/runtime.ts";
import { StoppableTimers } from "../util/stoppable_timers.ts";
import { EndPushes, type EndPushesTarget } from "./end_pushes.ts";
import { type FindOptions, findSession } from "./find_session.ts";
import type { Watch, WatchPoll } from "./watch.ts";

/** The number of sessions that are read at a time. */
const BATCH = 32;

/** The largest random reduction of the interval, as a fraction, so that processes don't poll at the same time. */
const JITTER = 0.25;

/** Options of {@linkcode EndPoll}. */
export interface EndPollOptions extends Omit<FindOptions, "pauses"> {
  /** The store, which may notify of ends. */
  readonly source: SessionStore;
  /** The longest interval between two polls, in milliseconds. */
  readonly every: number;
  /** Called with the first failure of the store in each poll. */
  onError(operation: string, error: SessionStoreError, c: unknown): void;
}

/** Polls the watched sessions, and ends their watches when the sessions have ended. */
export class EndPoll implements EndPushesTarget, WatchPoll {
  readonly #options: EndPollOptions;
  readonly #watches = new Set<Watch>();
  /** The watches of stored sessions, by the last known key of the session. */
  readonly #places = new Map<string, Set<Watch>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /**
   * When the timer fires, and when the next poll is due, in monotonic milliseconds. While a poll is running, no next one
   * is due.
   */
  #timerAt = Infinity;
  #pollAt = Infinity;
  #hasFailed = false;
  /** The pauses of reads, which stop with the last watch. */
  #pauses = new StoppableTimers();
  readonly #endings = new Set<Ending>();
  readonly #pushes: EndPushes;

  constructor(options: EndPollOptions) {
    this.#options = options;
    this.#pushes = new EndPushes(options.source, this);
  }

  /** The number of watches. */
  get size(): number {
    return this.#watches.size;
  }

  has(watch: Watch): boolean {
    return this.#watches.has(watch);
  }

  add(watch: Watch): void {
    if (this.#watches.has(watch)) return;
    if (this.#watches.size === 0) this.#planPoll(monotonicTime());
    this.#watches.add(watch);
    this.place(watch);
    this.#wakeAt(this.#pollAt);
    this.#wakeFor(watch);
    if (watch.isLeft) this.receive(watch);
  }

  receive(watch: Watch): void {
    if (!this.#watches.has(watch)) return;
    watch.isPushed = true;
    this.#pushes.start(watch.key, watch.c);
  }

  remove(watch: Watch): void {
    this.#watches.delete(watch);
    this.#unplace(watch);
    if (this.#watches.size > 0) return;
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
    this.#pauses.stop();
    this.#pauses = new StoppableTimers();
    this.#pushes.stopAll();
  }

  place(watch: Watch): void {
    watch.update();
    const key = watch.stored?.key;
    if (key === watch.key) return;
    this.#unplace(watch);
    if (key === undefined || !this.#watches.has(watch)) return;
    watch.key = key;
    this.#places.set(key, (this.#places.get(key) ?? new Set()).add(watch));
    if (watch.isPushed) this.#pushes.start(key, watch.c);
  }

  end(watch: Watch, reason: SessionEndReason): void {
    this.remove(watch);
    watch.abort(reason);
  }

  /** Ends the watches of a session that has ended. */
  ended(sid: string, reason: SessionEndReason): void {
    for (const watch of [...this.#watches]) {
      watch.update();
      if (watch.stored?.record.sid === sid) this.end(watch, reason);
    }
  }

  /** Runs a function that ends sessions. A poll that meanwhile finds one of them gone reports the reason of `ending`. */
  async expecting<Result>(ending: Ending, run: () => Promise<Result>): Promise<Result> {
    this.#endings.add(ending);
    try {
      return await run();
    } finally {
      this.#endings.delete(ending);
    }
  }

  onEnd(key: string, reason: SessionEndReason = "ended"): void {
    void this.expecting(
      { reason, includes: (stored) => stored.key === key },
      () => this.#look([key]),
    );
  }

  onReady(key: string | undefined): void {
    void (key === undefined ? this.lookAt(() => true) : this.#look([key]));
  }

  onError(operation: string, cause: unknown, c: unknown): void {
    const error = cause instanceof SessionStoreError
      ? cause
      : new SessionStoreError(`Cannot ${operation} sessions: the store failed`, { cause });
    if (!this.#hasFailed) this.#options.onError(operation, error, c);
    this.#hasFailed = true;
  }

  /** Reads the watched sessions that pass a test: they may have ended. */
  lookAt(test: (watch: Watch) => boolean): Promise<void> {
    return this.#look(
      [...this.#places].flatMap(([key, watches]) => [...watches].some(test) ? [key] : []),
    );
  }

  /** Reads sessions again. When the store fails for a whole batch, the rest waits for the next poll. */
  async #look(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += BATCH) {
      const batch = keys.slice(from, from + BATCH);
      const answered = await Promise.all(batch.map((key) => this.#read(key)));
      if (!answered.includes(true)) break;
    }
  }

  /** Reads one session again; `false` when the store failed. */
  async #read(key: string): Promise<boolean> {
    const [watch] = this.#places.get(key) ?? [];
    if (!watch?.stored) return true;
    try {
      const pauses = this.#pauses;
      const found = await findSession({ ...this.#options, pauses }, watch.stored, watch.c);
      if (pauses.areStopped) return true;
      for (const watch of [...this.#places.get(key) ?? []]) {
        if (typeof found === "string") {
          this.end(watch, found === "expired" ? found : this.#reasonOf(watch));
        } else {
          watch.stored = found;
          this.place(watch);
        }
      }
      return true;
    } catch (error) {
      // Nobody catches what is thrown in a timer: it would end the process.
      this.onError("read", error, watch.c);
      return false;
    }
  }

  #reasonOf({ stored }: Watch): SessionEndReason {
    for (const { reason, includes } of this.#endings) {
      if (stored && reason !== "ended" && includes(stored)) return reason;
    }
    return "ended";
  }

  #unplace(watch: Watch): void {
    const { key } = watch;
    if (key === undefined) return;
    watch.key = undefined;
    const there = this.#places.get(key)!;
    there.delete(watch);
    if (there.size > 0) return;
    this.#places.delete(key);
    this.#pushes.stop(key);
  }

  #planPoll(previous: number): void {
    this.#pollAt = previous + this.#options.every * (1 - Math.random() * JITTER);
  }

  /** Returns how long a session still lives, in milliseconds. */
  #lifeOf({ stored }: Watch): number {
    const { clock, expiry } = this.#options;
    return stored ? deadline(expiry, stored.record) - clock() : Infinity;
  }

  /** Wakes when a session expires. One that has expired waits for the next poll. */
  #wakeFor(watch: Watch): void {
    const life = this.#lifeOf(watch);
    if (life > 0) this.#wakeAt(monotonicTime() + life);
  }

  #wakeAt(time: number): void {
    if (time >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = time;
    const left = Math.max(Math.ceil(time - monotonicTime()), 0);
    // While a poll is running, the next time may be an expiry that is later than a timer can be.
    this.#timer = setTimeout(() => this.#wake(), Math.min(left, this.#options.every));
    // A watch must not keep the process alive.
    unref(this.#timer);
  }

  /** Polls if a poll is due; otherwise reads only the sessions that seem to have expired. */
  async #wake(): Promise<void> {
    const now = monotonicTime();
    const isPoll = now >= this.#pollAt;
    if (isPoll) {
      this.#pollAt = Infinity;
      this.#hasFailed = false;
      for (const watch of this.#watches) {
        this.place(watch);
        this.receive(watch);
      }
    }
    this.#timerAt = Infinity;
    await this.lookAt((watch) => isPoll || this.#lifeOf(watch) <= 0);
    if (this.#watches.size === 0) return;
    if (isPoll) this.#planPoll(now);
    this.#wakeAt(this.#pollAt);
    for (const watch of this.#watches) this.#wakeFor(watch);
  }
}
