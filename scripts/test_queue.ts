import type { DenoProcesses } from "./deno_processes.ts";

const SUMMARY_REGEXP = /\| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed/g;

/** The tests that failed, with their errors. */
const ERRORS_REGEXP = / ERRORS .*\n\n([^]*)\n\n.* FAILURES /;

export interface TestQueueOptions {
  processes: DenoProcesses;
  /** What Deno is given before the files of a batch. */
  command: string[];
  /** How many processes run at the same time. */
  jobs: number;
}

/**
 * Runs batches of test files in a process each, `jobs` of them at the same time, and starts them in their order. Shows
 * the output of each whole, in the same order, and ends with the errors of what failed and a plain line of counts.
 */
export async function runTests(
  batches: string[][],
  { processes, command, jobs }: TestQueueOptions,
): Promise<boolean> {
  const counts = { passed: 0, failed: 0 };
  const failures: string[] = [];
  let isSuccess = true;
  let shown = Promise.resolve();

  async function runBatch(batch: string[]): Promise<void> {
    const child = processes.start([...command, ...batch], "piped");
    if (!child) return;
    const [output, copy] = child.stdout.tee();
    const warnings = new Response(child.stderr).text();
    shown = shown.then(async () => {
      await output.pipeTo(Deno.stdout.writable, { preventClose: true });
      const text = await warnings;
      if (text) console.error(text);
    });
    const text = await new Response(copy).text();
    const { success } = await child.status;
    const summary = [...text.matchAll(SUMMARY_REGEXP)].at(-1);
    const errors = ERRORS_REGEXP.exec(text)?.[1];
    isSuccess &&= success;
    counts.passed += Number(summary?.[1] ?? 0);
    counts.failed += Number(summary?.[2] ?? 1);
    if (errors) failures.push(`${errors}\n`);
    if (!summary) failures.push(`A process ended before its tests did: ${batch.join(" ")}`);
  }

  const queue = batches.values();
  async function runQueue(): Promise<void> {
    for (const batch of queue) await runBatch(batch);
  }
  await Promise.all(Array.from({ length: jobs }, runQueue));
  await shown;
  for (const failure of failures) console.log(failure);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return isSuccess && !processes.isInterrupted && counts.failed === 0 && counts.passed > 0;
}
