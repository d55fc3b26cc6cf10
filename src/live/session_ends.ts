import type { Ending } from "../commit/context.ts";
import type { SessionEndReason } from "../record/end_reason.ts";
import type { StoredSession } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import type { DeleteAllOptions } from "../store/contract.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { isWorkers } from "../util/runtime.ts";
import { EndPoll, type EndPollOptions } from "./end_poll.ts";
import { Watch } from "./watch.ts";

/** The sessions whose `ended` signal is in use. Other sessions cost nothing. */
export class SessionEnds {
  /** Whether a session was ever watched. */
  isUsed = false;
  readonly #options: EndPollOptions;
  readonly #watches = new WeakMap<SessionState, Watch>();
  /** The sessions of requests that are over. */
  readonly #over = new WeakSet<SessionState>();
  readonly #poll: EndPoll;

  constructor(options: EndPollOptions) {
    this.#options = options;
    this.#poll = new EndPoll(options);
  }

  /** The number of watched sessions. */
  get size(): number {
    return this.#poll.size;
  }

  /**
   * Returns the signal of the end of a session, and watches the session until its request is over and the
   * signal has no listeners.
   *
   * @param isLeft Whether the response of its request has been sent.
   */
  signalOf(state: SessionState, isLeft: boolean, c: unknown): AbortSignal {
    this.isUsed = true;
    let watch = this.#watches.get(state);
    if (!watch) {
      // In Workers, requests must not share timers.
      const poll = isWorkers ? new EndPoll(this.#options) : this.#poll;
      watch = new Watch(state, { poll, isLeft }, c);
      this.#watches.set(state, watch);
    }
    watch.update();
    if (state.status !== "live") watch.abort(state.status === "ended" ? "logout" : "ended");
    else if (!watch.signal.aborted && (watch.stored || !isLeft) && !this.#over.has(state)) {
      watch.poll.add(watch);
    }
    return watch.signal;
  }

  /** Checks whether a session of a request is watched. */
  has(state: SessionState): boolean {
    const watch = this.#watches.get(state);
    return watch?.poll.has(watch) === true;
  }

  /**
   * Records that the response of a request has been sent.
   *
   * @param left What still uses the session: a stream until {@linkcode over} is called, a socket, or nothing but the listeners
   * of the signal (`whole`).
   */
  left(state: SessionState, left: "stream" | "socket" | "whole"): void {
    const watch = this.#watches.get(state)!;
    const { poll } = watch;
    poll.place(watch);
    watch.isLeft = left !== "stream";
    // A session that is not stored by now never will be.
    if (!watch.stored || left === "whole" && watch.isUnheard) poll.remove(watch);
    poll.receive(watch);
  }

  /** Records that the response of a request and its background tasks are over. */
  over(state: SessionState): void {
    this.#over.add(state);
    const watch = this.#watches.get(state);
    watch?.poll.remove(watch);
  }

  /** Ends the watch of a session that its own request has ended, or has found ended. */
  endedHere(state: SessionState, reason: SessionEndReason): void {
    const watch = this.#watches.get(state);
    watch?.poll.end(watch, reason);
  }

  /** Ends the watches of a session that this process has ended. */
  ended(sid: string, reason: SessionEndReason): void {
    this.#poll.ended(sid, reason);
  }

  /** Runs a function that ends sessions. A poll that meanwhile finds one of them gone reports the reason of `ending`. */
  expecting<Result>(ending: Ending, run: () => Promise<Result>): Promise<Result> {
    return this.size === 0 ? run() : this.#poll.expecting(ending, run);
  }

  /** Runs a function that ends the sessions of a subject, then checks which of them have ended. */
  endAll<Result>(
    { subject, except }: { subject: string; except: string | undefined },
    run: (options: DeleteAllOptions) => Awaitable<Result>,
  ): Promise<Result> {
    const includes = ({ record }: StoredSession) =>
      record.subject === subject && record.sid !== except;
    return this.expecting({ reason: "revoked", includes }, async () => {
      const result = await run(except === undefined ? {} : { except });
      await this.#poll.lookAt(({ stored }) => stored?.record.subject === subject);
      return result;
    });
  }
}
