import type { DeleteAllOptions } from "../../src/store/contract.ts";
import { GENERATION_KEPT } from "../../src/store/generation_lifetime.ts";
import { nextEnd, type SubjectEnd } from "../../src/store/subject_end.ts";
import { presentOf } from "./binding.ts";
import { type Call, pause, TRIES } from "./call.ts";
import { isSame } from "./expressions.ts";
import { SINCE, toSeconds } from "./item.ts";
import type { Layout } from "./layout.ts";

/** Reads the current generation of a subject's sessions. */
export async function readGeneration(call: Call, subject: string): Promise<number> {
  const { table } = call;
  return endOf(table.layout, await call.get(presentOf(table, subject))).generation;
}

/**
 * Starts the next generation of a subject's sessions, and returns it.
 */
export async function raiseGeneration(
  call: Call,
  subject: string,
  options: DeleteAllOptions & { now: number },
): Promise<number> {
  const { layout } = call.table;
  const { nameOf } = layout;
  const { TableName, Key } = presentOf(call.table, subject);
  for (let tries = 1; tries <= TRIES; tries++) {
    const last = endOf(layout, await call.get({ TableName, Key }));
    const { generation, except, since } = nextEnd(last, options);
    const Item = {
      ...Key,
      [nameOf("generation")]: generation,
      ...(except === undefined ? {} : {
        [nameOf("sid")]: except,
        [nameOf(SINCE)]: since,
      }),
      [layout.expiresAttr]: toSeconds(options.now + GENERATION_KEPT),
    };
    const condition = isSame(layout, { name: "generation", value: last.generation });
    if (await call.write({ Put: { TableName, Item, ...condition } })) {
      return generation;
    }
    await pause(tries);
  }
  throw new Error("Cannot end sessions: there were too many concurrent writes; try again");
}

/**
 * Returns the last end of all sessions of a subject, by the item of the subject. The document client may return numbers in
 * another form (`wrapNumbers`).
 */
export function endOf({ nameOf }: Layout, item: Record<string, unknown>): SubjectEnd {
  return {
    generation: Number(item[nameOf("generation")] ?? 0),
    except: item[nameOf("sid")] as string | undefined,
    since: Number(item[nameOf(SINCE)] ?? 0),
  };
}
