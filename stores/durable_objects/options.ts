import { storeTable } from "../../src/store/store_options.ts";
import type { Awaitable } from "../../src/util/awaitable.ts";
import type { Clock } from "../../src/util/clock.ts";
import { insteadOf, refuse, refuseRange } from "../../src/util/option_errors.ts";
import { checkTable } from "../../src/util/option_table.ts";
import { ANY, inRange, STRING } from "../../src/util/shapes.ts";
import { type DurableObjectNamespaceLike, isNamespace, MISTAKEN_NAMESPACES } from "./like.ts";

const MOST_SHARDS = 10_000;

/** The longest prefix, in bytes: the name of an object has 1,024. */
const LONGEST_PREFIX = 1000;

const OPTIONS = storeTable("DurableObjectStore", {
  shapes: {
    namespace: ANY,
    prefix: STRING,
    shards: inRange(
      `an integer from 1 to ${MOST_SHARDS}`,
      (value) => Number.isSafeInteger(value) && value >= 1 && value <= MOST_SHARDS,
    ),
  },
  mistakes: [[isNamespace, "write { namespace }"]],
});

/**
 * Options of {@linkcode DurableObjectStore}.
 *
 * @example Two applications in one namespace
 * ```ts
 * import { DurableObjectStore, type DurableObjectStoreOptions } from "@x/hono-session/stores/durable-objects";
 *
 * const options: DurableObjectStoreOptions = {
 *   namespace: (c) => c.env.SESSIONS,
 *   prefix: "shop",
 * };
 * new DurableObjectStore(options);
 * ```
 */
export interface DurableObjectStoreOptions {
  /**
   * The namespace of {@linkcode SessionObject}, or a function that returns it or a promise of it for the Hono context,
   * because Workers provide bindings per request. The function is called for each operation.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its bindings: `(c) => c.env.SESSIONS`.
  namespace: DurableObjectNamespaceLike | ((c: any) => Awaitable<DurableObjectNamespaceLike>);
  /**
   * A part of the names of all objects, 1,000 bytes at most. It separates applications that share a namespace.
   *
   * @default {"session"}
   */
  prefix?: string;
  /**
   * The number of objects that hold sessions, 10,000 at most. One object serves up to 1,000 requests per second. A change of
   * the number ends all sessions: other objects are used. Don't change it back before they have expired.
   *
   * @default {32}
   */
  shards?: number;
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/** @throws {TypeError | RangeError} When an option is invalid. */
export function checkOptions(options: DurableObjectStoreOptions): void {
  checkTable(OPTIONS, options);
  const { namespace, prefix = "" } = options;
  const instead = insteadOf(namespace, MISTAKEN_NAMESPACES);
  if (instead) refuse("namespace", instead, OPTIONS);
  if (!isNamespace(namespace) && typeof namespace !== "function") {
    refuse(
      "namespace",
      "a Durable Object namespace is required, or a function that finds one",
      OPTIONS,
    );
  }
  const { length } = new TextEncoder().encode(prefix);
  if (length > LONGEST_PREFIX) {
    refuseRange("prefix", `${length} bytes, at most ${LONGEST_PREFIX} are accepted`, OPTIONS);
  }
}
