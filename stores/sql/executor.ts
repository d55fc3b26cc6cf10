import { andThen, type Awaitable, orElse } from "../../src/util/awaitable.ts";
import type { Clock } from "../../src/util/clock.ts";
import type { SqlTemplate, SqlValues } from "./compile.ts";
import type { SqlRow } from "./driver.ts";
import { type SqlErrorSetup, toError } from "./errors.ts";
import type { FindDriver } from "./find.ts";

/** How statements are executed. */
export interface ExecutorSetup extends SqlErrorSetup {
  readonly find: FindDriver;
}

/** The context of an operation, and its abort signal. */
export interface Call {
  readonly c?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** Runs statements and returns their rows. */
export type Execute = (
  template: SqlTemplate,
  values: SqlValues,
  call: Call,
) => Awaitable<readonly SqlRow[]>;

/** Returns the function that runs statements with the driver of a request. It is synchronous if the driver is. */
export function executorOf(setup: ExecutorSetup, clock: Clock): Execute {
  return (template, values, { c, signal }) =>
    andThen(setup.find(c), (driver) => {
      signal?.throwIfAborted();
      const statements = template({ now: clock(), ...values });
      return orElse(() => driver.run(statements, signal), (error) => {
        throw toError(error, setup);
      });
    });
}
