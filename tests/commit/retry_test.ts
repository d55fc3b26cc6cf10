import { assert, assertEquals } from "@std/assert";
import { ConflictRetry } from "../../src/commit/conflict_retry.ts";
import { COMMIT_TRIES } from "../../src/util/tries.ts";

/** Puts timers out of action, so that a pause is over at once, and tells how long each would have been. */
function withoutPauses(): Disposable & { readonly pauses: number[] } {
  const { setTimeout } = globalThis;
  const pauses: number[] = [];
  globalThis.setTimeout = ((run: () => void, milliseconds: number) => {
    pauses.push(milliseconds);
    queueMicrotask(run);
  }) as unknown as typeof setTimeout;
  return { pauses, [Symbol.dispose]: () => void (globalThis.setTimeout = setTimeout) };
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
  const start = performance.now();
  const retry = new ConflictRetry(300);
  while (await retry.next());
  const took = performance.now() - start;
  assert(took <= 400 && took > 50, `${took} ms`);
  assert(retry.tries > 2 && retry.tries < COMMIT_TRIES);
  assertEquals(await new ConflictRetry(0).next(), true, "once more in any case");
});

Deno.test("a write is not tried for ever where pauses take no time", async () => {
  using _ = withoutPauses();
  const retry = new ConflictRetry(Infinity);
  while (await retry.next());
  assertEquals(retry.tries, COMMIT_TRIES);
});
