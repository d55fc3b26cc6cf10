import type { SessionError } from "../errors.ts";
import type { Timers } from "../util/timers.ts";
import type { Operation } from "./operation.ts";

/** The cause of a failure: the store did not answer in time. */
export class TimeoutError extends Error {}

/** A store whose operations have a time limit. */
interface LimitedStore {
  /** The time limit of one operation, in milliseconds. */
  readonly timeout: number;
  readonly timers: Timers;
  /** Makes the error of an operation that has failed. It is called at most once. */
  toError(cause: unknown, operation: Operation): SessionError;
}

/** Returns the result of an operation, or rejects when there is none in time. A later result is ignored. */
export function withTimeLimit<Result>(
  promise: PromiseLike<Result>,
  operation: Operation & { readonly store: LimitedStore },
): Promise<Result> {
  const { store, abort } = operation;
  const { timers } = store;
  // A single promise instead of Promise.race(): racing would take longer than most operations.
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const timer = timers.start(() => {
      const error = new TimeoutError(`the store did not answer in ${store.timeout / 1000} seconds`);
      fail(error);
      abort?.abort(error);
    });
    function succeed(result: Result): void {
      timers.stop(timer);
      resolve(result);
    }
    function fail(cause: unknown): void {
      timers.stop(timer);
      if (isSettled) return;
      isSettled = true;
      try {
        reject(store.toError(cause, operation));
      } catch (error) {
        reject(error);
      }
    }
    try {
      promise.then(succeed, fail);
    } catch (cause) {
      fail(cause);
    }
  });
}
