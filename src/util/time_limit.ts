import type { Timers } from "./timers.ts";

/** How long a promise is waited for, and what comes of one that does not come in time. */
export interface TimeLimit {
  readonly timers: Timers;
  /** Makes the error that the result is rejected with. It is called once at most. */
  toError(cause: unknown): unknown;
  /** Called with the error of a promise that did not come in time. */
  onTimeout(error: TimeoutError): void;
}

/** A promise that did not come in time. */
export class TimeoutError extends Error {}

/** The same result as a promise, or a failure when it does not come in time. What comes later is ignored. */
export function withTimeout<Value>(
  promise: PromiseLike<Value>,
  { timers, toError, onTimeout }: TimeLimit,
): Promise<Value> {
  // One promise, and none to race with: most promises come in less time than those would take.
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const timer = timers.start(() => {
      const error = new TimeoutError(`no answer in ${timers.duration / 1000} seconds`);
      fail(error);
      onTimeout(error);
    });
    function succeed(value: Value): void {
      timers.stop(timer);
      resolve(value);
    }
    function fail(cause: unknown): void {
      timers.stop(timer);
      if (isSettled) return;
      isSettled = true;
      reject(toError(cause));
    }
    try {
      promise.then(succeed, fail);
    } catch (cause) {
      fail(cause);
    }
  });
}
