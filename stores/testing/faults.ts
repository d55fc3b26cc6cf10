import type { SessionRecord } from "../../src/record/record.ts";

/**
 * The operations of a store. Only one with an index has `list`, `generation` and `deleteAll`.
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
export type StoreOperation =
  | "read"
  | "create"
  | "update"
  | "replace"
  | "touch"
  | "delete"
  | "list"
  | "generation"
  | "deleteAll";

/** The operations that return whether they were done. */
const CONDITIONAL: readonly StoreOperation[] = ["create", "update", "replace", "touch"];
const WRITES: readonly StoreOperation[] = [...CONDITIONAL, "delete", "deleteAll"];
/** The operations that return records. */
const READS: readonly StoreOperation[] = ["read", "list"];

/** All of them. */
export const OPERATIONS: readonly StoreOperation[] = [...READS, "generation", ...WRITES];

/**
 * A fault of a store operation:
 *
 * - `"fail"`: the operation does nothing and rejects.
 * - `"late"`: the operation is done, but its result is lost, and it rejects.
 * - `"hang"`: the operation does nothing and does not settle until it is aborted.
 * - A number or a function: the operation first waits for that many milliseconds, or for the result of the
 *   function. A function that throws makes it fail with that error.
 * - `"tear"`, of read and list: records are damaged, each time in another way: the data are truncated, a member
 *   is missing or has another type, or the record is not an object.
 * - `"stale"`, of read, list and generation: returns the last result for the key or the subject, like a cache
 *   or a replica. Without a previous result the operation is done.
 * - `"refuse"`, of create, update, replace and touch: the operation does nothing and returns `false`, as when
 *   another request was first.
 * - `"deny"`, of the same: the operation is done but returns `false`, like a client that repeats a write whose
 *   response was lost.
 * - `"lose"`, of writes, `delete` and `deleteAll`: the operation does nothing but reports success, as when a
 *   server fails before it has replicated the write.
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

/** The operations of faults that don't apply to all operations. */
export const VICTIMS: ReadonlyMap<StoreFault, readonly StoreOperation[]> = new Map<
  StoreFault,
  readonly StoreOperation[]
>([
  ["tear", READS],
  ["stale", [...READS, "generation"]],
  ["refuse", CONDITIONAL],
  ["deny", CONDITIONAL],
  ["lose", WRITES],
]);

/** The kinds of damage to a record, in turn. */
export const DAMAGES: readonly ((record: Partial<SessionRecord>) => unknown)[] = [
  ({ data = "", ...rest }) => ({ ...rest, data: data.slice(0, Math.ceil(data.length / 2)) }),
  ({ version: _, ...rest }) => rest,
  (record) => ({ ...record, expiresAt: String(record.expiresAt) }),
  (record) => JSON.stringify(record),
];

/** The longest time of a timer, in milliseconds. */
const LONGEST_TIMEOUT = 2_147_483_647;

/** Waits as a fault requires. Rejects when the operation is aborted. */
export function wait(
  fault: "hang" | number | (() => unknown),
  signal: AbortSignal | undefined,
): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (typeof fault === "function") Promise.resolve(fault()).then(resolve, reject);
    else if (typeof fault === "number") timer = setTimeout(resolve, fault);
    // Like an open connection, it keeps the process alive until the operation is aborted.
    else if (signal) timer = setTimeout(() => {}, LONGEST_TIMEOUT);
  }).finally(() => clearTimeout(timer));
}
