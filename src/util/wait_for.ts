/**
 * Waits for a promise with a time limit: in Workers a promise of another request may never settle, because a request is
 * stopped when its client goes away.
 *
 * @param patience The time limit, in milliseconds.
 * @returns The value; `undefined` when the time is up.
 */
export function waitFor<Value>(
  promise: Promise<Value>,
  patience: number,
): Promise<Value | void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => timer = setTimeout(resolve, patience));
  return Promise.race([promise, enough]).finally(() => clearTimeout(timer));
}
