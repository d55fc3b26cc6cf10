import type { Timers } from "./timers.ts";

/** Options of {@linkcode withTimeout}. */
export interface TimeLimit {
  readonly timers: Timers;
  /** Makes the error of the result. It is called at most once. What it throws becomes the error. */
  toError(cause: unknown): unknown;
  /** Called with the error when the time is up. */
  onTimeout(error: TimeoutError): void;
}

/** A promise did not settle in time. */
export class TimeoutError extends Error {}

/** Returns the result of a promise, or rejects when the promise does not settle in time. A later result is ignored. */
export function withTimeout<Value>(
  promise: PromiseLike<Value>,
  limit: TimeLimit,
): Promise<Value> {
  const { timers } = limit;
  // A single promise instead of Promise.race(): racing would take longer than most operations.
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const timer = timers.start(() => {
      const error = new TimeoutError(`no answer in ${timers.duration / 1000} seconds`);
      fail(error);
      limit.onTimeout(error);
    });
    function succeed(value: Value): void {
      timers.stop(timer);
      resolve(value);
    }
    function fail(cause: unknown): void {
      timers.stop(timer);
      if (isSettled) return;
      isSettled = true;
      try {
        reject(limit.toError(cause));
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
