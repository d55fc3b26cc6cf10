type Calls = Partial<Record<keyof SubtleCrypto, number>>;

/** Counts what is asked of Web Crypto while something runs. */
export async function counting(run: () => Promise<void>): Promise<Calls> {
  const calls: Calls = {};
  const { subtle } = crypto;
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(subtle)) as (keyof SubtleCrypto)[];
  for (const name of names) {
    const method = subtle[name];
    if (typeof method !== "function") continue;
    const counted = (...args: unknown[]) => {
      calls[name] = (calls[name] ?? 0) + 1;
      return (method as (...args: unknown[]) => unknown).apply(subtle, args);
    };
    Object.defineProperty(subtle, name, { value: counted, configurable: true, writable: true });
  }
  try {
    await run();
  } finally {
    for (const name of names) Reflect.deleteProperty(subtle, name);
  }
  return calls;
}
