import type { SessionRecord } from "../../src/record.ts";
import type { SessionStore, StoreCapabilities, StoreWrite } from "../../src/store.ts";

/**
 * The operations of a store.
 *
 * @example Usage
 * ```ts
 * import { FaultyStore, type StoreOperation } from "@x/hono-session/testing";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new FaultyStore(new MapStore());
 * await store.read("key");
 * const calls: StoreOperation[] = store.calls();
 * assertEquals(calls, ["read"]);
 * ```
 */
export type StoreOperation = "read" | "create" | "update" | "replace" | "touch" | "delete";

/** The operations that answer whether they were done. */
const CONDITIONAL: readonly StoreOperation[] = ["create", "update", "replace", "touch"];
const WRITES: readonly StoreOperation[] = [...CONDITIONAL, "delete"];
const OPERATIONS: readonly StoreOperation[] = ["read", ...WRITES];

/**
 * What can happen to an operation of a store:
 *
 * - `"fail"`: nothing is done, and it is rejected.
 * - `"late"`: it is done, but the answer is lost, and it is rejected.
 * - `"hang"`: nothing is done, and nothing is answered until the operation is called off.
 * - A number or a function: it waits for so many milliseconds, or for what the function returns, before it
 *   is done. A function that throws makes it fail with an error of its own.
 * - `"tear"`, of reads: the record is damaged, each time in another way: its data are cut short, a member is
 *   missing, a member is of another type, or it is no object at all.
 * - `"stale"`, of reads: the answer is that of the last read of the key, as from a cache or a replica.
 *   A key that was never read is read.
 * - `"refuse"`, of all but read and delete: nothing is done, and the answer is `false`, as when another request
 *   was faster.
 * - `"deny"`, of all but read and delete: it is done, but the answer is `false`, as from a client that sends a
 *   write once more when the answer to the first was lost.
 * - `"lose"`, of all but read: it is answered as if it were done, but nothing is, as when a server fails before
 *   its replica has heard of the write.
 *
 * @example Usage
 * ```ts
 * import { FaultyStore, type StoreFault } from "@x/hono-session/testing";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertRejects } from "@std/assert";
 *
 * const store = new FaultyStore(new MapStore());
 * const faults: StoreFault[] = ["fail", "late", () => Promise.reject(new Error("no route"))];
 * for (const fault of faults) {
 *   store.inject("read", fault);
 *   await assertRejects(() => store.read("key"));
 * }
 * ```
 */
export type StoreFault =
  | "fail"
  | "late"
  | "hang"
  | "tear"
  | "stale"
  | "refuse"
  | "deny"
  | "lose"
  | number
  | (() => unknown);

/** Which operations the faults happen to that don't happen to all. */
const VICTIMS = new Map<StoreFault, readonly StoreOperation[]>([
  ["tear", ["read"]],
  ["stale", ["read"]],
  ["refuse", CONDITIONAL],
  ["deny", CONDITIONAL],
  ["lose", WRITES],
]);

/** The ways in which a record is damaged, in turn. */
const DAMAGES: readonly ((record: SessionRecord) => unknown)[] = [
  (record) => ({ ...record, data: record.data.slice(0, Math.ceil(record.data.length / 2)) }),
  ({ version: _, ...rest }) => rest,
  (record) => ({ ...record, expiresAt: String(record.expiresAt) }),
  (record) => JSON.stringify(record),
];

/** What a store and those that it made for other cookies share. */
interface Plan {
  calls: StoreOperation[];
  tears: number;
  readonly faults: Map<StoreOperation, { readonly fault: StoreFault; times: number }>;
}

/**
 * A store around another one whose operations go wrong when a test says so. Without a fault it does what
 * the other one does. It tells what it was asked as well.
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
  /** Those of the other store. */
  readonly capabilities: StoreCapabilities;
  readonly #store: SessionStore;
  /** What the last read of every key gave. */
  readonly #seen = new Map<string, SessionRecord | undefined>();
  #plan: Plan = { calls: [], tears: 0, faults: new Map() };

  /**
   * Wraps a store. Nothing goes wrong yet.
   *
   * @param store The other store.
   */
  constructor(store: SessionStore) {
    this.#store = store;
    this.capabilities = store.capabilities;
  }

  /**
   * Makes an operation go wrong from now on, in place of what was said of it before.
   *
   * @param operation The operation, or all of them.
   * @param fault What happens to it.
   * @param times How often, for each operation; until `heal()` when it is left out.
   * @throws {TypeError} When it can't happen to this operation.
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

  /** Lets everything that begins from now on go well. */
  heal(): void {
    this.#plan.faults.clear();
  }

  /**
   * The operations that were begun since the last look.
   *
   * @returns Their names, in order.
   */
  calls(): StoreOperation[] {
    return this.#plan.calls.splice(0);
  }

  /**
   * The record under a key.
   *
   * @param args Those of `SessionStore`.
   * @returns What the other store gives, or what a fault makes of it.
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
   * Stores a record under a key that holds none.
   *
   * @param args Those of `SessionStore`.
   * @returns What the other store answers, or what a fault makes of it.
   */
  create(...args: Parameters<SessionStore["create"]>): Promise<StoreWrite> {
    return this.#write("create", args);
  }

  /**
   * Stores a record in place of the one that was read.
   *
   * @param args Those of `SessionStore`.
   * @returns What the other store answers, or what a fault makes of it.
   */
  update(...args: Parameters<SessionStore["update"]>): Promise<StoreWrite> {
    return this.#write("update", args);
  }

  /**
   * Moves a session to another key.
   *
   * @param args Those of `SessionStore`.
   * @returns What the other store answers, or what a fault makes of it.
   */
  replace(...args: Parameters<SessionStore["replace"]>): Promise<StoreWrite> {
    return this.#write("replace", args);
  }

  /**
   * Moves the times of a record.
   *
   * @param args Those of `SessionStore`.
   * @returns What the other store answers, or what a fault makes of it.
   */
  touch(...args: Parameters<SessionStore["touch"]>): Promise<StoreWrite> {
    return this.#write("touch", args);
  }

  /**
   * Deletes a record.
   *
   * @param args Those of `SessionStore`.
   */
  async delete(...args: Parameters<SessionStore["delete"]>): Promise<void> {
    await this.#write("delete", args);
  }

  /**
   * Whether a record is to be written again although nothing in it changed.
   *
   * @param record The very object that `read` gave.
   * @returns What the other store says.
   */
  outdated(record: SessionRecord): boolean {
    return this.#store.outdated?.(record) ?? false;
  }

  /**
   * This store for a cookie of some name, with the same faults and calls.
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

  async #run(
    operation: StoreOperation,
    args: unknown[],
    fault: StoreFault | undefined,
  ): Promise<unknown> {
    const failure = new Error(`Cannot ${operation} record: a fault was injected`);
    if (fault === "fail") throw failure;
    if (fault === "hang" || typeof fault === "number" || typeof fault === "function") {
      await wait(fault, args.find((arg) => arg instanceof AbortSignal));
    }
    const answer: unknown = await Reflect.apply(this.#store[operation], this.#store, args);
    if (fault === "late") throw failure;
    return answer;
  }

  #tear(record: SessionRecord): SessionRecord {
    const damage = DAMAGES[this.#plan.tears++ % DAMAGES.length]!;
    return damage(record) as SessionRecord;
  }
}

function copy(record: SessionRecord | undefined): SessionRecord | undefined {
  return record && { ...record };
}

/** Waits as a fault says, and no longer than until the operation is called off, which is a rejection. */
function wait(
  fault: "hang" | number | (() => unknown),
  signal: AbortSignal | undefined,
): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (typeof fault === "function") Promise.resolve(fault()).then(resolve, reject);
    else if (typeof fault === "number") timer = setTimeout(resolve, fault);
  }).finally(() => clearTimeout(timer));
}
