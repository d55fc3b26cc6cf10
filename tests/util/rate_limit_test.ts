import { assertEquals } from "@std/assert";
import { RateLimit } from "../../src/util/rate_limit.ts";

const BURST = 3;

/** Runs with clocks that are set by hand: that of the system, and that of the process. */
function withClocks(run: (clocks: { system: number; process: number }) => void): void {
  const clocks = { system: 1_000_000_000, process: 1000 };
  const [now, systemNow] = [performance.now, Date.now];
  performance.now = () => clocks.process;
  Date.now = () => clocks.system;
  try {
    run(clocks);
  } finally {
    performance.now = now;
    Date.now = systemNow;
  }
}

/** Returns how many of many calls are allowed. */
function allowed(limit: RateLimit): number {
  return Array.from({ length: 1000 }, () => limit.take()).filter(Boolean).length;
}

for (const [direction, step] of [["back", -3_600_000], ["forward", 3_600_000]] as const) {
  Deno.test(`a rate limit goes on as before when the clock of the system is set ${direction} by an hour`, () => {
    withClocks((clocks) => {
      const limit = new RateLimit({ burst: BURST, perSecond: 1 });
      assertEquals(allowed(limit), BURST);
      clocks.system += step;
      assertEquals(allowed(limit), 0);
      clocks.system += 2000;
      clocks.process += 2000;
      assertEquals(allowed(limit), 2);
    });
  });
}
