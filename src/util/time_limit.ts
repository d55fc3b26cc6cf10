/** How long a promise is waited for, and what comes of one that does not come in time. */
export interface TimeLimit {
  /** Milliseconds. */
  readonly timeout: number;
  /** Whether the process waits for nothing but the limit. */
  readonly keepsAlive: boolean;
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
  { timeout, keepsAlive, toError, onTimeout }: TimeLimit,
): Promise<Value> {
  // One promise, and none to race with: most promises come in less time than those would take.
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const timer = setTimeout(() => {
      const error = new TimeoutError(`no answer in ${timeout / 1000} seconds`);
      fail(error);
      onTimeout(error);
    }, timeout);
    if (!keepsAlive) (timer as { unref?(): unknown }).unref?.();
    function succeed(value: Value): void {
      clearTimeout(timer);
      resolve(value);
    }
    function fail(cause: unknown): void {
      clearTimeout(timer);
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
