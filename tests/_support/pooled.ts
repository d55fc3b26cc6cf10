/** Declares tests over clients that keep connections and timers of their own from one test to the next. */
export function pooled(
  { ignore = false }: { ignore?: boolean } = {},
): (name: string, fn: () => Promise<void>) => void {
  return (name, fn) =>
    Deno.test({ name, fn, ignore, sanitizeResources: false, sanitizeOps: false });
}
