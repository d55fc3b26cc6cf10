import type { SessionRecord } from "../../src/record/record.ts";
import type {
  ListedSession,
  SessionStore,
  StoreCapabilities,
  StoreWrite,
} from "../../src/store/contract.ts";
import {
  DAMAGES,
  OPERATIONS,
  type StoreFault,
  type StoreOperation,
  VICTIMS,
  wait,
} from "./faults.ts";

/** The names of failed operations, if they are not the operation and "session". */
const FAILED: Partial<Record<StoreOperation, string>> = {
  list: "list sessions",
  generation: "read generation",
  deleteAll: "end sessions",
};

/** The state that a store shares with its stores for other cookies. */
interface Plan {
  calls: StoreOperation[];
  tears: number;
  readonly faults: Map<StoreOperation, { readonly fault: StoreFault; times: number }>;
  readonly running: Set<Promise<unknown>>;
}

/**
 * A wrapper of a store whose operations fail on demand. Without a fault it behaves like the wrapped store. It
 * also records the operations that were called.
 *
 * @example A store that fails is a 503, and the session survives
 * ```ts
 * import { session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { FaultyStore } from "@x/hono-session/testing";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new FaultyStore(new MapStore());
 * const app = new Hono().use(session<{ visits?: number }>({ store })).get("/", (c) => {
 *   c.var.session.visits = (c.var.session.visits ?? 0) + 1;
 *   return c.text(`visit ${c.var.session.visits}`);
 * });
 * const first = await app.request("/");
 * const headers = { cookie: first.headers.getSetCookie()[0]!.split(";")[0]! };
 * store.inject("update", "fail", 1);
 * assertEquals((await app.request("/", { headers })).status, 503);
 * assertEquals(await (await app.request("/", { headers })).text(), "visit 2");
 * assertEquals(store.calls(), ["create", "read", "update", "read", "update"]);
 * ```
 */
export class FaultyStore implements SessionStore {
  /** The capabilities of the wrapped store. */
  readonly capabilities: StoreCapabilities;
  /** Lists the live sessions of a subject, if the wrapped store does. */
  readonly list?: (
    ...args: Parameters<NonNullable<SessionStore["list"]>>
  ) => AsyncGenerator<ListedSession>;
  /** Returns the current generation of a subject's sessions, if the wrapped store does. */
  readonly generation?: (
    ...args: Parameters<NonNullable<SessionStore["generation"]>>
  ) => Promise<number>;
  /** Ends all sessions of a subject, if the wrapped store does. */
  readonly deleteAll?: (
    ...args: Parameters<NonNullable<SessionStore["deleteAll"]>>
  ) => Promise<number>;
  /** Notifies of records that are deleted or moved, if the wrapped store does. */
  readonly watch?: NonNullable<SessionStore["watch"]>;
  /** Counts the live sessions of all subjects, if the wrapped store does. It never fails. */
  readonly stats?: NonNullable<SessionStore["stats"]>;
  readonly #store: SessionStore;
  /** The result of the last read of every key. */
  readonly #seen = new Map<string, SessionRecord | undefined>();
  /** The result of the last list of every subject. */
  readonly #lists = new Map<string, ListedSession[]>();
  /** The last generation of every subject. */
  readonly #generations = new Map<string, number>();
  #plan: Plan = { calls: [], tears: 0, faults: new Map(), running: new Set() };

  /**
   * Wraps a store. There are no faults yet.
   *
   * @param store The wrapped store.
   */
  constructor(store: SessionStore) {
    this.#store = store;
    this.capabilities = store.capabilities;
    if (store.list) this.list = (...args) => this.#list(args);
    if (store.generation) this.generation = (...args) => this.#generation(args);
    if (store.watch) this.watch = (...args) => store.watch!(...args);
    if (store.stats) this.stats = (...args) => store.stats!(...args);
    if (store.deleteAll) this.deleteAll = (...args) => this.#deleteAll(args);
  }

  /**
   * Injects a fault into an operation from now on. It replaces a previous fault.
   *
   * @param operation The operation, or all of them.
   * @param fault The fault.
   * @param times The number of calls that it affects, for each operation; without it, all calls until `heal()`.
   * @throws {TypeError} When the fault does not apply to this operation.
   */
  inject(operation: StoreOperation | "all", fault: StoreFault, times = Infinity): void {
    const operations = operation === "all" ? OPERATIONS : [operation];
    for (const each of operations) {
      if (VICTIMS.get(fault)?.includes(each) === false) {
        throw new TypeError(`Cannot inject fault: "${fault}" does not happen to ${each}`);
      }
    }
    for (const each of operations) this.#plan.faults.set(each, { fault, times });
  }

  /** Removes all faults for operations that start from now on. */
  heal(): void {
    this.#plan.faults.clear();
  }

  /**
   * Returns the operations that were started since the last call.
   *
   * @returns Their names, in order.
   */
  calls(): StoreOperation[] {
    return this.#plan.calls.splice(0);
  }

  /** Waits until no operation is in flight, including those whose caller no longer waits. */
  async settled(): Promise<void> {
    while (this.#plan.running.size > 0) await Promise.allSettled(this.#plan.running);
  }

  /**
   * Reads the record under a key.
   *
   * @param args The arguments of the method in `SessionStore`.
   * @returns The result of the wrapped store, or of a fault.
   */
  async read(...args: Parameters<SessionStore["read"]>): Promise<SessionRecord | undefined> {
    const [key] = args;
    const fault = this.#begin("read");
    if (fault === "stale" && this.#seen.has(key)) return copy(this.#seen.get(key));
    const record = await this.#run("read", args, fault) as SessionRecord | undefined;
    this.#seen.set(key, copy(record));
    return fault === "tear" && record ? this.#tear(record) : record;
  }

  /**
   * Stores a record under a new key.
   *
   * @param args The arguments of the method in `SessionStore`.
   * @returns The result of the wrapped store, or of a fault.
   */
  create(...args: Parameters<SessionStore["create"]>): Promise<StoreWrite> {
    return this.#write("create", args);
  }

  /**
   * Replaces the record that was read.
   *
   * @param args The arguments of the method in `SessionStore`.
   * @returns The result of the wrapped store, or of a fault.
   */
  update(...args: Parameters<SessionStore["update"]>): Promise<StoreWrite> {
    return this.#write("update", args);
  }

  /**
   * Moves a session to another key.
   *
   * @param args The arguments of the method in `SessionStore`.
   * @returns The result of the wrapped store, or of a fault.
   */
  replace(...args: Parameters<SessionStore["replace"]>): Promise<StoreWrite> {
    return this.#write("replace", args);
  }

  /**
   * Changes the times of a record.
   *
   * @param args The arguments of the method in `SessionStore`.
   * @returns The result of the wrapped store, or of a fault.
   */
  touch(...args: Parameters<SessionStore["touch"]>): Promise<StoreWrite> {
    return this.#write("touch", args);
  }

  /**
   * Deletes a record.
   *
   * @param args The arguments of the method in `SessionStore`.
   */
  async delete(...args: Parameters<SessionStore["delete"]>): Promise<void> {
    await this.#write("delete", args);
  }

  /**
   * Checks whether a record must be written again although nothing in it changed.
   *
   * @param record The same object that `read` returned.
   * @returns The result of the wrapped store.
   */
  outdated(record: SessionRecord): boolean {
    return this.#store.outdated?.(record) ?? false;
  }

  /**
   * Returns the store for a cookie name, with the same faults and calls.
   *
   * @param cookieName The name, with its prefix.
   * @returns This store, or one like it.
   */
  forCookie(cookieName: string): FaultyStore {
    const store = this.#store.forCookie?.(cookieName) ?? this.#store;
    if (store === this.#store) return this;
    const bound = new FaultyStore(store);
    bound.#plan = this.#plan;
    return bound;
  }

  #begin(operation: StoreOperation): StoreFault | undefined {
    this.#plan.calls.push(operation);
    const planned = this.#plan.faults.get(operation);
    return planned && planned.times-- > 0 ? planned.fault : undefined;
  }

  async #write(operation: StoreOperation, args: unknown[]): Promise<StoreWrite> {
    const fault = this.#begin(operation);
    if (fault === "lose" || fault === "refuse") return fault === "lose";
    const answer = await this.#run(operation, args, fault) as StoreWrite;
    return fault === "deny" ? false : answer;
  }

  async *#list(args: Parameters<NonNullable<SessionStore["list"]>>): AsyncGenerator<ListedSession> {
    const [subject] = args;
    const fault = this.#begin("list");
    const last = fault === "stale" ? this.#lists.get(subject) : undefined;
    const sessions = last ?? await this.#run("list", args, fault) as ListedSession[];
    this.#lists.set(subject, sessions);
    for (const { key, record } of sessions) {
      yield { key, record: fault === "tear" ? this.#tear(record) : { ...record } };
    }
  }

  async #generation(args: Parameters<NonNullable<SessionStore["generation"]>>): Promise<number> {
    const [subject] = args;
    const fault = this.#begin("generation");
    const last = fault === "stale" ? this.#generations.get(subject) : undefined;
    const generation = last ?? await this.#run("generation", args, fault) as number;
    this.#generations.set(subject, generation);
    return generation;
  }

  async #deleteAll(args: Parameters<NonNullable<SessionStore["deleteAll"]>>): Promise<number> {
    const fault = this.#begin("deleteAll");
    if (fault !== "lose") return await this.#run("deleteAll", args, fault) as number;
    const [subject, { except }, c, signal] = args;
    const sessions = await collect(this.#store.list?.(subject, {}, c, signal) ?? []);
    return sessions.filter(({ record }) => record.sid !== except).length;
  }

  #run(
    operation: StoreOperation,
    args: unknown[],
    fault: StoreFault | undefined,
  ): Promise<unknown> {
    const { running } = this.#plan;
    const run = this.#execute(operation, args, fault);
    running.add(run);
    const leave = () => void running.delete(run);
    run.then(leave, leave);
    return run;
  }

  async #execute(
    operation: StoreOperation,
    args: unknown[],
    fault: StoreFault | undefined,
  ): Promise<unknown> {
    const failure = new Error(
      `Cannot ${FAILED[operation] ?? `${operation} record`}: a fault was injected`,
    );
    if (fault === "fail") throw failure;
    if (fault === "hang" || typeof fault === "number" || typeof fault === "function") {
      await wait(fault, args.find((arg) => arg instanceof AbortSignal));
    }
    let answer: unknown = await Reflect.apply(this.#store[operation]!, this.#store, args);
    if (operation === "list") answer = await collect(answer as AsyncIterable<ListedSession>);
    if (fault === "late") throw failure;
    return answer;
  }

  #tear(record: Partial<SessionRecord>): SessionRecord {
    const damage = DAMAGES[this.#plan.tears++ % DAMAGES.length]!;
    return damage(record) as SessionRecord;
  }
}

function copy(record: SessionRecord | undefined): SessionRecord | undefined {
  return record && { ...record };
}

async function collect<Item>(items: AsyncIterable<Item> | Iterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
