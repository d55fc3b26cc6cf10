import type { SessionEndReason } from "../events.ts";
import type { SessionState } from "../session/session_state.ts";
import { EndPoll, type EndPollOptions } from "./end_poll.ts";
import { Watch } from "./watch.ts";

/** Whether timers and streams belong to one request, as in Workers: what one request has, no other may use. */
const isPerRequest = (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent ===
  "Cloudflare-Workers";

/** A watch, and what reads its session again. */
interface Watched {
  readonly watch: Watch;
  readonly poll: EndPoll;
}

/** The sessions whose ends somebody waits for. Those of others cost nothing. */
export class SessionEnds {
  readonly #options: EndPollOptions;
  readonly #watched = new WeakMap<SessionState, Watched>();
  readonly #poll: EndPoll;
  #isUsed = false;

  constructor(options: EndPollOptions) {
    this.#options = options;
    this.#poll = new EndPoll(options);
  }

  /** Whether a session was ever watched. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** How many sessions of requests are watched. */
  get size(): number {
    return this.#poll.size;
  }

  /**
   * The signal of the end of a session, which is watched from now on: until its request is over, or nobody listens any
   * more, if that is later.
   *
   * @param isLeft Whether the response of its request has left.
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
   * Notes that the response of a request has left.
   *
   * @param left What is left of the request: a stream until it is {@linkcode over}, a socket, or nothing but those who listen.
   */
  left(state: SessionState, left: "stream" | "socket" | "whole"): void {
    const { watch, poll } = this.#watched.get(state)!;
    poll.place(watch);
    watch.isLeft = left !== "stream";
    // What is not stored by now never is.
    if (!watch.stored || left === "whole" && watch.isUnheard) poll.remove(watch);
  }

  /** Notes that the response of a request is over, and whatever was done for it. */
  over(state: SessionState): void {
    const watched = this.#watched.get(state);
    watched?.poll.remove(watched.watch);
  }

  /** Ends the watch of a session that its own request has ended, or found ended. */
  endedHere(state: SessionState, reason: SessionEndReason): void {
    const watched = this.#watched.get(state);
    watched?.poll.end(watched.watch, reason);
  }

  /** Ends the watches of a session that this process has ended. */
  ended(sid: string, reason: SessionEndReason): void {
    this.#poll.ended(sid, reason);
  }

  /** Looks whether the sessions of a subject were ended. */
  lookAtSubject(subject: string, reason: SessionEndReason): Promise<void> {
    return this.#poll.lookAtSubject(subject, reason);
  }
}
