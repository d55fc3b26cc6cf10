import type { Context } from "hono";
import type { StreamWatcher } from "../http/response_stream.ts";
import { type Departed, departedOf, type LateChanges } from "../request/unsaved_changes.ts";
import type { SessionState } from "../session/session_state.ts";

/** The end of one response: until it is over, whoever makes it may change and save the session. */
export class Departure implements StreamWatcher {
  readonly #late: LateChanges;
  /** How many middleware get the response before the client. */
  readonly #around: number;
  /** How many streams it consists of that are not over. */
  #streams = 0;
  /** The session, once it has left with a stream. */
  #departed: Departed | undefined;

  constructor(c: Context, late: LateChanges) {
    this.#late = late;
    this.#around = c.req.routeIndex;
  }

  /** Watches out for changes of a session that come too late from now on. */
  watch(state: SessionState): void {
    if (this.#streams > 0) this.#departed = departedOf(state);
    else this.#late.watch(state, this.#around);
  }

  streamBegun(): void {
    this.#streams++;
  }

  streamEnded(isWhole: boolean): void {
    this.#streams--;
    if (!this.#departed || this.#streams > 0) return;
    if (isWhole) this.#late.look(this.#departed);
    this.#late.keep(this.#departed);
  }
}
