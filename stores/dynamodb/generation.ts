import { GENERATION_KEPT } from "../../src/store/generation.ts";
import { presentOf } from "./binding.ts";
import { type Call, pause, TRIES } from "./call.ts";
import { isSame } from "./expressions.ts";
import { toSeconds } from "./item.ts";

/** The present generation of a subject's sessions. */
export async function readGeneration(call: Call, subject: string): Promise<number> {
  return toNumber(await call.get(presentOf(call.table, subject)), "generation");
}

/**
 * Begins the next generation of a subject's sessions, and tells it.
 *
 * @param except The `sid` of a session that stays, if it is not of a generation that was ended before.
 */
export async function raiseGeneration(
  call: Call,
  subject: string,
  { now, except }: { now: number; except?: string },
): Promise<number> {
  const { TableName, Key } = presentOf(call.table, subject);
  for (let tries = 1; tries <= TRIES; tries++) {
    const before = await call.get({ TableName, Key });
    const known = toNumber(before, "generation");
    const generation = Math.max(known + 1, Math.floor(now));
    const Item = {
      ...Key,
      generation,
      ...(except === undefined ? {} : { sid: except, since: oldestOf(before, except) }),
      [call.table.layout.expiresAttr]: toSeconds(now + GENERATION_KEPT),
    };
    if (await call.write({ Put: { TableName, Item, ...isSame("generation", known) } })) {
      return generation;
    }
    await pause(tries);
  }
  throw new Error("Cannot end sessions: their end was written too often at the same time");
}

/** The oldest generation of which a session of a name may be, by the item of its subject. */
export function oldestOf(item: Record<string, unknown>, sid: string): number {
  return toNumber(item, sid === item["sid"] ? "since" : "generation");
}

/** The document client may give numbers in another form (`wrapNumbers`). */
function toNumber(item: Record<string, unknown>, name: string): number {
  return Number(item[name] ?? 0);
}
