import { assert, assertEquals } from "@std/assert";
import { ConflictRetry } from "../../src/commit/conflict_retry.ts";
import { COMMIT_TRIES } from "../../src/util/tries.ts";

/** Puts timers out of action, so that a pause is over at once by a clock that it sets, and tells how long each was. */
function withoutPauses(): Disposable & { readonly pauses: number[]; took(): number } {
  const { setTimeout } = globalThis;
  const now = performance.now.bind(performance);
  const pauses: number[] = [];
  const took = () => pauses.reduce((sum, pause) => sum + pause, 0);
  globalThis.setTimeout = ((run: () => void, milliseconds: number) => {
    pauses.push(milliseconds);
    queueMicrotask(run);
  }) as unknown as typeof setTimeout;
  performance.now = took;
  return {
    pauses,
    took,
    [Symbol.dispose]() {
      globalThis.setTimeout = setTimeout;
      performance.now = now;
    },
  };
}

Deno.test("a write is tried again at once, then after pauses that grow and differ", async () => {
  const longest: number[] = [];
  const all = new Set<number>();
  for (let run = 0; run < 200; run++) {
    using timers = withoutPauses();
    const retry = new ConflictRetry(5000);
    assertEquals([await retry.next(), retry.tries, timers.pauses], [true, 2, []]);
    for (let tries = 3; tries < 10; tries++) {
      assertEquals([await retry.next(), retry.tries], [true, tries]);
    }
    for (const [index, pause] of timers.pauses.entries()) {
      longest[index] = Math.max(longest[index] ?? 0, pause);
      all.add(pause);
    }
  }
  assertEquals(all.size, 200 * 7, "no two requests wait for the same time");
  assert(longest[0]! <= 25 && longest[1]! > 25 && longest[2]! > 50, String(longest));
  assert(longest.every((each) => each <= 200), String(longest));
});

Deno.test("a write is tried as long as there is time", async () => {
  using timers = withoutPauses();
  const retry = new ConflictRetry(300);
  while (await retry.next());
  assert(timers.took() < 300 && timers.took() > 50, `${timers.took()} ms`);
  assert(retry.tries > 2 && retry.tries < COMMIT_TRIES);
  assertEquals(await new ConflictRetry(0).next(), true, "once more in any case");
});

Deno.test("a write is not tried for ever where pauses take no time", async () => {
  using _ = withoutPauses();
  const retry = new ConflictRetry(Infinity);
  while (await retry.next());
  assertEquals(retry.tries, COMMIT_TRIES);
});
