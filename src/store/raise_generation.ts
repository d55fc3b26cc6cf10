import { LONGEST_LIFE } from "../record/expiry.ts";
import { makeTrace } from "../record/trace.ts";
import { monotonicTime } from "../util/clock.ts";
import { STORE_TRIES } from "../util/tries.ts";
import type { StoreGeneration } from "./store_generation.ts";
import type { TimeoutStore } from "./timeout_store.ts";

/** The `sid` of the record that holds a generation: 16 bytes of zero. */
const SID = "A".repeat(22);

/**
 * Starts a new generation of all sessions. Returns once no process uses an older one.
 *
 * @param records The store of the generation.
 * @returns Whether it was started.
 */
export async function raiseGeneration(
  generation: StoreGeneration,
  records: TimeoutStore,
  c: unknown,
): Promise<boolean> {
  const { every, clock } = generation.options;
  const key = await generation.key;
  for (let tries = 0; tries < STORE_TRIES; tries++) {
    const startedAt = monotonicTime();
    const found = await records.read(key, c);
    const record = makeTrace("ended", {
      sid: SID,
      version: (found?.version ?? generation.latest) + 1,
      // Later than any session that it ends.
      expiresAt: clock() + LONGEST_LIFE * 1000,
    });
    const isRaised = found
      ? await records.update(key, record, found, c)
      : await records.create(key, record, c);
    if (!isRaised) continue;
    generation.learn(record.version, startedAt);
    if (every > 0) await new Promise((resolve) => setTimeout(resolve, every));
    return true;
  }
  return false;
}
