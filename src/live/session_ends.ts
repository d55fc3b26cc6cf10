import type { SessionEndReason } from "../record/end_reason.ts";
import type { SessionState } from "../session/session_state.ts";
import { EndPoll, type EndPollOptions } from "./end_poll.ts";
import { Watch } from "./watch.ts";

/** Whether timers and streams belong to one request, as in Workers, so that requests must not share them. */
const isPerRequest = (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent ===
  "Cloudflare-Workers";

/** A watch, and the poll that reads its session. */
interface Watched {
  readonly watch: Watch;
  readonly poll: EndPoll;
}

/** The sessions whose `ended` signal is in use. Other sessions cost nothing. */
export class SessionEnds {
  readonly #options: EndPollOptions;
  readonly #watched = new WeakMap<SessionState, Watched>();
  readonly #poll: EndPoll;
  #isUsed = false;

  constructor(options: EndPollOptions) {
    // A notification would come in the request that has ended the session.
    this.#options = isPerRequest ? { ...options, watch: undefined } : options;
    this.#poll = new EndPoll(this.#options);
  }

  /** Whether a session was ever watched. */
  get isUsed(): boolean {
    return this.#isUsed;
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
    this.#isUsed = true;
    const { watch, poll } = this.#watched.get(state) ?? this.#watch(state, isLeft, c);
    watch.update();
    if (state.status !== "live") watch.end(state.status === "ended" ? "logout" : "ended");
    else if (!watch.signal.aborted && !poll.has(watch) && (watch.stored || !isLeft)) {
      poll.add(watch);
    }
    return watch.signal;
  }

  #watch(state: SessionState, isLeft: boolean, c: unknown): Watched {
    const poll = isPerRequest ? new EndPoll(this.#options) : this.#poll;
    const onUnheard = (watch: Watch) => {
      if (watch.isLeft) poll.remove(watch);
    };
    const watched = { watch: new Watch(state, { isLeft, onUnheard }, c), poll };
    this.#watched.set(state, watched);
    return watched;
  }

  /** Whether a session of a request is watched. */
  has(state: SessionState): boolean {
    const watched = this.#watched.get(state);
    return watched !== undefined && watched.poll.has(watched.watch);
  }

  /**
   * Records that the response of a request has been sent.
   *
   * @param left The rest of the request: a stream until it is {@linkcode over}, a socket, or only the listeners
   * (`whole`).
   */
  left(state: SessionState, left: "stream" | "socket" | "whole"): void {
    const { watch, poll } = this.#watched.get(state)!;
    poll.place(watch);
    watch.isLeft = left !== "stream";
    // A session that is not stored by now never will be.
    if (!watch.stored || left === "whole" && watch.isUnheard) poll.remove(watch);
    poll.receive(watch);
  }

  /** Records that the response of a request and its background tasks are over. */
  over(state: SessionState): void {
    const watched = this.#watched.get(state);
    watched?.poll.remove(watched.watch);
  }

  /** Ends the watch of a session that its own request has ended, or has found ended. */
  endedHere(state: SessionState, reason: SessionEndReason): void {
    const watched = this.#watched.get(state);
    watched?.poll.end(watched.watch, reason);
  }

  /** Ends the watches of a session that this process has ended. */
  ended(sid: string, reason: SessionEndReason): void {
    this.#poll.ended(sid, reason);
  }

  /** Checks whether the sessions of a subject were ended. */
  lookAtSubject(subject: string, reason: SessionEndReason): Promise<void> {
    return this.#poll.lookAtSubject(subject, reason);
  }
}
