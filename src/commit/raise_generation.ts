import { LONGEST_LIFE } from "../record/expiry.ts";
import { makeTrace } from "../record/trace.ts";
import type { StoreGeneration } from "../store/store_generation.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import { monotonicTime } from "../util/clock.ts";
import { changeRecord } from "./change_record.ts";

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
  let startedAt = -Infinity;
  const raised = await changeRecord(records, {
    key: await generation.key,
    change: (found) => {
      startedAt = monotonicTime();
      return makeTrace("ended", {
        sid: SID,
        version: (found?.version ?? generation.latest) + 1,
        // It must outlive all sessions that it ends.
        expiresAt: clock() + LONGEST_LIFE * 1000,
      });
    },
  }, c);
  if (!raised) return false;
  generation.learn(raised.version, startedAt);
  if (every > 0) await new Promise((resolve) => setTimeout(resolve, every));
  return true;
}
