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

/** The operations that answer whether they were done. */
const CONDITIONAL: readonly StoreOperation[] = ["create", "update", "replace", "touch"];
const WRITES: readonly StoreOperation[] = [...CONDITIONAL, "delete", "deleteAll"];
/** The operations that answer with records. */
const READS: readonly StoreOperation[] = ["read", "list"];

/** All of them. */
export const OPERATIONS: readonly StoreOperation[] = [...READS, "generation", ...WRITES];

/**
 * What can happen to an operation of a store:
 *
 * - `"fail"`: nothing is done, and it is rejected.
 * - `"late"`: it is done, but the answer is lost, and it is rejected.
 * - `"hang"`: nothing is done, and nothing is answered until the operation is called off.
 * - A number or a function: it waits for so many milliseconds, or for what the function returns, before it
 *   is done. A function that throws makes it fail with an error of its own.
 * - `"tear"`, of read and list: records are damaged, each time in another way: its data are cut short, a member is
 *   missing, a member is of another type, or it is no object at all.
 * - `"stale"`, of read, list and generation: the answer is that of the last read of the key or the last list or
 *   generation of the subject, as from a cache or a replica. What was never looked for is looked for.
 * - `"refuse"`, of create, update, replace and touch: nothing is done, and the answer is `false`, as when another
 *   request was faster.
 * - `"deny"`, of the same: it is done, but the answer is `false`, as from a client that sends a write once more when
 *   the answer to the first was lost.
 * - `"lose"`, of writes, `delete` and `deleteAll`: it is answered as if it were done, but nothing is, as when a server fails
 *   before its replica has heard of the write.
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

/** The ways in which a record is damaged, in turn. */
export const DAMAGES: readonly ((record: Partial<SessionRecord>) => unknown)[] = [
  ({ data = "", ...rest }) => ({ ...rest, data: data.slice(0, Math.ceil(data.length / 2)) }),
  ({ version: _, ...rest }) => rest,
  (record) => ({ ...record, expiresAt: String(record.expiresAt) }),
  (record) => JSON.stringify(record),
];

/** The longest time that a timer can be set to, in milliseconds. */
const LONGEST_TIMEOUT = 2_147_483_647;

/** Waits as a fault says, and no longer than until the operation is called off, which is a rejection. */
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
    // As an open connection would, it keeps the process alive until the operation is called off.
    else if (signal) timer = setTimeout(() => {}, LONGEST_TIMEOUT);
  }).finally(() => clearTimeout(timer));
}
