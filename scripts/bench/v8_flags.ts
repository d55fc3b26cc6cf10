/** Lets a program collect its garbage itself. */
export const COLLECTING: readonly string[] = ["--expose-gc"];

/**
 * The same, with a young generation that is so large that nothing is collected unless the program asks for it, and code that
 * is compiled when its count of calls says so, not when another thread has the time: how it is compiled decides what it allocates.
 */
export const COUNTING: readonly string[] = [
  ...COLLECTING,
  "--min-semi-space-size=256",
  "--max-semi-space-size=256",
  "--single-threaded",
];

/** The same, with functions that stay apart, so that a profile tells whose bytes are whose. */
export const PROFILING: readonly string[] = [
  ...COUNTING,
  "--no-turbo-inlining",
  "--no-maglev-inlining",
];

/** How flags of V8 are passed to a runtime. */
export function v8Flags(runtime: string, flags: readonly string[]): string[] {
  return runtime === "Deno" ? [`--v8-flags=${flags.join()}`] : [...flags];
}
