/**
 * Waits for a promise, but not forever: what it waits for may never come, as in Workers, where a request whose client is
 * gone stops in the middle.
 *
 * @param patience How long, in milliseconds.
 * @returns The value; `undefined` when there is none in that time.
 */
export async function waitFor<Value>(
  promise: Promise<Value>,
  patience: number,
): Promise<Value | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  try {
    return await Promise.race([promise, enough]);
  } finally {
    clearTimeout(timer);
  }
}
