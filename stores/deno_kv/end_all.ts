import type { DeleteAllOptions } from "../../src/store/contract.ts";
import type { Clock } from "../../src/util/clock.ts";
import { commit, untilEnded } from "./database.ts";
import type { Ends } from "./ends.ts";
import type { KvLike } from "./like.ts";
import type { Records } from "./records.ts";
import { generationOf, type SubjectIndex } from "./subjects.ts";

/** Options of {@linkcode endAll}. */
export interface EndAllOptions extends DeleteAllOptions {
  readonly records: Records;
  readonly index: SubjectIndex;
  readonly ends: Ends;
  readonly subject: string;
  readonly clock: Clock;
}

/**
 * Starts a new generation of a subject's sessions, and ends the sessions of older generations. Returns their
 * number.
 */
export async function endAll(
  kv: KvLike,
  { records, index, ends, subject, clock, ...options }: EndAllOptions,
): Promise<number> {
  const present = await index.raise(kv, subject, { ...options, now: clock() });
  let ended = 0;
  return await untilEnded(async () => {
    let found = false;
    for await (const entries of index.entries(kv, subject)) {
      const doomed = entries.filter((entry) =>
        entry.sid !== options.except && generationOf(entry) < present
      );
      if (doomed.length === 0) continue;
      found = true;
      const atomic = kv.atomic();
      for (const { key, parts, check } of doomed) {
        atomic.check(check).delete(check.key);
        for (const each of records.keys(key, parts)) atomic.delete(each);
        ends.count(atomic, key, "revoked");
      }
      const { ok } = await commit(atomic);
      if (!ok) continue;
      for (const { key } of doomed) ends.notify(key, "revoked");
      ended += doomed.filter(({ expiresAt }) => clock() < expiresAt).length;
    }
    return found ? undefined : ended;
  });
}
