import { andThen, type Awaitable, orElse } from "../../src/util/awaitable.ts";
import { insteadOf, type Mistakes, refuse, withoutContext } from "../../src/util/option_errors.ts";
import type { OptionTable } from "../../src/util/option_table.ts";
import type { SqlDriver } from "./driver.ts";

/** How a store converts a client to a driver. */
export interface DriverSource<Driver extends SqlDriver> {
  /** The name of the store. */
  readonly store: string;
  /** The option table that contains the client. */
  readonly options: OptionTable;
  /** The name of that option. */
  readonly option: string;
  /** The supported clients, for errors. */
  readonly required: string;
  /** Common mistakes, and what to do instead. */
  readonly mistakes: Mistakes;
  /** Returns the driver of a client; `undefined` for other values. */
  toDriver(client: unknown): Driver | undefined;
}

/** Returns a function that makes the driver of a client once, and remembers it while the client exists. */
export function oncePerClient<Driver extends SqlDriver>(
  toDriver: (client: unknown) => Driver | undefined,
): (client: unknown) => Driver | undefined {
  const drivers = new WeakMap<WeakKey, Driver>();
  return (client) => {
    const driver = drivers.get(client as WeakKey) ?? toDriver(client);
    if (driver) drivers.set(client as WeakKey, driver);
    return driver;
  };
}

/** Finds the driver of a request by its context. */
export type FindDriver<Driver extends SqlDriver = SqlDriver> = (c: unknown) => Awaitable<Driver>;

/**
 * Makes the function that finds the driver: of a fixed client, or of the client that a function returns.
 *
 * @throws {TypeError} When the option is neither a client nor a function.
 */
export function driverFinder<Driver extends SqlDriver>(
  given: unknown,
  { store, options, option, required, mistakes, toDriver }: DriverSource<Driver>,
): FindDriver<Driver> {
  const instead = insteadOf(given, mistakes);
  if (instead) refuse(option, instead, options);
  const driver = toDriver(given);
  if (driver) return () => driver;
  if (typeof given !== "function") {
    refuse(option, `${required} is required, or a function that finds one`, options);
  }
  const toFound = (found: unknown): Driver => {
    const instead = insteadOf(found, mistakes);
    const driver = instead ? undefined : toDriver(found);
    if (driver) return driver;
    const wayOut = instead ?? `${required} is required`;
    throw new TypeError(`Cannot use ${store}: ${option}(c) returned no client; ${wayOut}`);
  };
  return (c) =>
    andThen(
      orElse<unknown>(() => given(c), (cause) => {
        throw new TypeError(`Cannot use ${store}: ${option}(c) failed${withoutContext(c)}`, {
          cause,
        });
      }),
      toFound,
    );
}
