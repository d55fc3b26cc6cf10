import { andThen, type Awaitable, isPromiseLike, orElse } from "../../src/util/awaitable.ts";
import { insteadOf, type Mistakes, refuse } from "../../src/util/option_errors.ts";
import type { OptionTable } from "../../src/util/option_table.ts";
import type { SqlDriver } from "./driver.ts";

/** How the client that a store is given becomes a driver. */
export interface DriverSource {
  /** The name of the store. */
  readonly store: string;
  /** The options that the client is one of. */
  readonly options: OptionTable;
  /** The name of that option. */
  readonly option: string;
  /** What is required. */
  readonly required: string;
  /** What is given instead, and what to do. */
  readonly mistakes: Mistakes;
  /** The driver of a client; `undefined` when it is none. */
  toDriver(client: object): SqlDriver | undefined;
}

/** Finds the driver for a request, whose context is `c`. */
export type FindDriver = (c: unknown) => Awaitable<SqlDriver>;

/**
 * Makes the function that finds the driver: that of a client, or of one that a function of the context finds.
 *
 * @throws {TypeError} When neither is given.
 */
export function driverFinder(given: unknown, source: DriverSource): FindDriver {
  const { store, options, option, required, mistakes } = source;
  const drivers = new WeakMap<object, SqlDriver>();
  const toDriver = (client: unknown): SqlDriver | undefined => {
    if (!isObject(client)) return undefined;
    const driver = drivers.get(client) ?? source.toDriver(client);
    if (driver) drivers.set(client, driver);
    return driver;
  };
  const instead = isPromiseLike(given) ? "it is a promise, await it" : insteadOf(given, mistakes);
  if (instead) refuse(option, instead, options);
  const driver = toDriver(given);
  if (driver) return () => driver;
  if (typeof given !== "function") {
    refuse(option, `${required} is required, or a function that finds one`, options);
  }
  const toFound = (found: unknown): SqlDriver => {
    const instead = insteadOf(found, mistakes);
    const driver = instead ? undefined : toDriver(found);
    if (driver) return driver;
    const wayOut = instead ? `: ${instead}` : `; ${required} is required`;
    throw new TypeError(`Cannot use ${store}: ${option}(c) gave no client${wayOut}`);
  };
  return (c) =>
    andThen(
      orElse<unknown>(() => given(c), (cause) => {
        throw new TypeError(`Cannot use ${store}: ${option}(c) gave an error`, { cause });
      }),
      toFound,
    );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null || typeof value === "function";
}
