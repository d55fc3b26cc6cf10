import {
  type Clock,
  type ListedSession,
  SessionEndedError,
  type SessionStore,
} from "@x/hono-session";
import { FaultyStore, type StoreOperation } from "@x/hono-session/testing";
import type { Context } from "hono";
import { generationKey } from "../../src/store/store_generation.ts";
import type { Fault } from "./model_program.ts";
import type { Schedule } from "./model_schedule.ts";
import type { Visit } from "./model_visit.ts";

/** What the store of one run is given. */
export interface World {
  /** The clock of the store. */
  readonly clock: Clock;
  /** The clocks of the processes. */
  readonly clocks: readonly Clock[];
  /** Waits in the middle of an operation, so that other requests can go on. */
  readonly pause: (name: string) => Promise<void>;
  /** Waits when the operation is over. */
  readonly later: (name: string) => Promise<void>;
}

/** Opens the store of one run, one object for all processes or one for each. */
export type OpenStore = (world: World) => SessionStore | SessionStore[] | Promise<SessionStore>;

/** What the names of calls that wait for their turn begin with. */
export const CALL = "call of";
export const OVERDUE = "overdue call of";

/** The record that holds the generation of all sessions. The rules of sessions don't count its calls. */
const GENERATION = await generationKey("sid");

/** A request that calls a store. */
export interface Caller {
  readonly id: number;
  readonly visit: Visit;
  readonly fault: { readonly call: number; readonly kind: Fault } | undefined;
}

/** What a {@linkcode gate} lets calls wait for, and tells what was called. */
export interface GateOptions {
  readonly schedule: Schedule;
  readonly trace: string[];
  readonly callerOf: (c: Context) => Caller;
  /** The place in the order that what happens now has. */
  readonly place: () => number;
}

/** A store whose calls wait for their turn, and go wrong when the program says so. */
export function gate(
  inner: SessionStore,
  { schedule, trace, callerOf, place }: GateOptions,
): SessionStore {
  const faulty = new FaultyStore(inner);
  let turns = 0;
  const call = async (operation: StoreOperation, args: unknown[]): Promise<unknown> => {
    if (args[0] === GENERATION) {
      const { id } = callerOf(args.find(isContext)!);
      await schedule.wait(`${CALL} r${id} ${operation} of the generation ${++turns}`);
      return await schedule.outside(async () =>
        await Reflect.apply(inner[operation]!, inner, args)
      );
    }
    const { id, visit, fault } = callerOf(args.find(isContext)!);
    const index = visit.calls.push(operation) - 1;
    const kind = fault?.call === index ? faultOf(fault, operation) : undefined;
    const isEarly = visit.handled === Infinity;
    visit.callsUnderWay++;
    await schedule.wait(`${CALL} r${id} ${index} ${operation}`);
    const run = () =>
      schedule.outside(async () => {
        const answer: unknown = await Reflect.apply(faulty[operation]!, faulty, args);
        return operation === "list"
          ? await Array.fromAsync(answer as AsyncIterable<ListedSession>)
          : answer;
      });
    try {
      if (kind === "overdue") {
        schedule.wait(`${OVERDUE} r${id} ${index}`).then(() => {
          trace.push(`r${id} ${operation} at last`);
          return run().catch(() => {});
        });
        throw new Error("the store did not answer in time");
      }
      if (kind) faulty.inject(operation, kind, 1);
      const answer = await run();
      // Cookie stores read it from the mark of a subject.
      if (operation === "generation" || operation === "read" && isEarly) visit.loginBegan = place();
      if (answer === false) visit.refusals++;
      trace.push(`r${id} ${operation}${kind ? ` (${kind})` : ""}: ${show(answer)}`);
      return answer;
    } catch (error) {
      if (error instanceof SessionEndedError) {
        trace.push(`r${id} ${operation}: all were ended`);
        throw error;
      }
      visit.faults.push(isEarly ? "before the commit" : "in the commit");
      trace.push(`r${id} ${operation} (${kind}): rejected`);
      throw error;
    } finally {
      visit.callsUnderWay--;
      visit.lastCall = place();
      faulty.heal();
    }
  };
  const index: Partial<SessionStore> = {
    async *list(...args) {
      yield* await call("list", args) as ListedSession[];
    },
    generation: (...args) => call("generation", args) as Promise<number>,
    deleteAll: (...args) => call("deleteAll", args) as Promise<number>,
  };
  return {
    ...(inner.capabilities.index ? index : {}),
    capabilities: inner.capabilities,
    read: (...args) => call("read", args) as ReturnType<SessionStore["read"]>,
    create: (...args) => call("create", args) as Promise<boolean>,
    update: (...args) => call("update", args) as Promise<boolean>,
    replace: (...args) => call("replace", args) as Promise<boolean>,
    touch: (...args) => call("touch", args) as Promise<boolean>,
    delete: (...args) => call("delete", args) as Promise<void>,
  };
}

const READS: readonly StoreOperation[] = ["read", "list", "generation"];
const UNCONDITIONAL: readonly StoreOperation[] = ["delete", "deleteAll"];

/** What a fault does to an operation: not every one can happen to every operation. */
function faultOf({ kind }: { kind: Fault }, operation: StoreOperation): Fault {
  if (READS.includes(operation)) return "fail";
  return UNCONDITIONAL.includes(operation) && kind === "refuse" ? "fail" : kind;
}

function isContext(value: unknown): value is Context {
  return typeof value === "object" && value !== null && "req" in value;
}

function show(answer: unknown): string {
  if (typeof answer !== "object" || answer === null) return String(answer);
  if (Array.isArray(answer)) return `${answer.length} sessions`;
  const { version, data, trace } = answer as { version?: number; data?: string; trace?: string };
  return `version ${version} ${trace ?? data}`;
}
