/** How long an end may take to be noticed, in milliseconds, on a machine that is busy. */
export const LATEST = 15_000;

/** The same value, or none where it comes too late. Meanwhile the process stays alive. */
export async function inTime<Value>(promise: Promise<Value>): Promise<Value | "never"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"never">((resolve) => {
    timer = setTimeout(() => resolve("never"), LATEST);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
