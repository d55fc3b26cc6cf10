import type { SessionError } from "../errors.ts";
import type { TimeLimit, TimeoutError } from "../util/time_limit.ts";
import type { Timers } from "../util/timers.ts";
import type { StoreReplacement } from "./contract.ts";

/** A record and its key. */
export type Placed = Pick<StoreReplacement, "key" | "record">;

/** An operation of a store. */
export interface Operation {
  readonly operation: string;
  readonly c: unknown;
  /** The session of a subject that it creates, under a key that nobody knows if the response gets lost. */
  readonly creates?: Placed | undefined;
  /** Aborts it, if the store supports it. */
  readonly abort?: AbortController | undefined;
}

/** Makes the error of an operation that has failed. */
interface Failing {
  toError(cause: unknown, operation: Operation): SessionError;
}

/** The time limit of an operation in flight. */
export class OperationLimit implements TimeLimit {
  readonly timers: Timers;
  readonly #store: Failing;
  readonly #operation: Operation;

  constructor(store: Failing, timers: Timers, operation: Operation) {
    this.timers = timers;
    this.#store = store;
    this.#operation = operation;
  }

  toError(cause: unknown): SessionError {
    return this.#store.toError(cause, this.#operation);
  }

  onTimeout(error: TimeoutError): void {
    this.#operation.abort?.abort(error);
  }
}
