import { GENERATION_KEPT } from "../../src/store/generation_lifetime.ts";
import { presentOf } from "./binding.ts";
import { type Call, pause, TRIES } from "./call.ts";
import { isSame } from "./expressions.ts";
import { SINCE, toSeconds } from "./item.ts";
import type { Layout } from "./layout.ts";

/** Reads the current generation of a subject's sessions. */
export async function readGeneration(call: Call, subject: string): Promise<number> {
  const { table } = call;
  return toNumber(table.layout, {
    item: await call.get(presentOf(table, subject)),
    name: "generation",
  });
}

/**
 * Starts the next generation of a subject's sessions, and returns it.
 *
 * @param except The `sid` of a session that is not ended, unless its generation has ended before.
 */
export async function raiseGeneration(
  call: Call,
  subject: string,
  { now, except }: { now: number; except?: string },
): Promise<number> {
  const { layout } = call.table;
  const { nameOf } = layout;
  const { TableName, Key } = presentOf(call.table, subject);
  for (let tries = 1; tries <= TRIES; tries++) {
    const before = await call.get({ TableName, Key });
    const known = toNumber(layout, { item: before, name: "generation" });
    const generation = Math.max(known + 1, Math.floor(now));
    const Item = {
      ...Key,
      [nameOf("generation")]: generation,
      ...(except === undefined ? {} : {
        [nameOf("sid")]: except,
        [nameOf(SINCE)]: oldestOf(layout, { item: before, sid: except }),
      }),
      [layout.expiresAttr]: toSeconds(now + GENERATION_KEPT),
    };
    const condition = isSame(layout, { name: "generation", value: known });
    if (await call.write({ Put: { TableName, Item, ...condition } })) {
      return generation;
    }
    await pause(tries);
  }
  throw new Error("Cannot end sessions: there were too many concurrent writes; try again");
}

/** Returns the oldest generation that a session with a `sid` may have, by the item of its subject. */
export function oldestOf(
  layout: Layout,
  { item, sid }: { item: Record<string, unknown>; sid: string },
): number {
  const isExcepted = item[layout.nameOf("sid")] === sid;
  return toNumber(layout, { item, name: isExcepted ? SINCE : "generation" });
}

/** The document client may return numbers in another form (`wrapNumbers`). */
function toNumber(
  { nameOf }: Layout,
  { item, name }: { item: Record<string, unknown>; name: string },
): number {
  return Number(item[nameOf(name)] ?? 0);
}
