import type { SessionEncoder } from "../crypto/encoder.ts";
import type { SecretOption } from "../crypto/secrets.ts";
import type { Logger } from "../events.ts";
import type { Clock } from "../util/clock.ts";
import { INSTEAD_OF_STORES } from "../util/foreign_options.ts";
import type { OptionTable } from "../util/option_table.ts";
import { SYNC_FUNCTION } from "../util/shapes.ts";
import type { SessionStore } from "./contract.ts";

/** Returns the option table of a store: its own options, and the clock that every store has. */
export function storeTable(
  store: string,
  { shapes, instead, ...table }: Omit<OptionTable, "action" | "within">,
): OptionTable {
  return {
    ...table,
    action: `create ${store}`,
    shapes: { ...shapes, clock: SYNC_FUNCTION },
    instead: { ...INSTEAD_OF_STORES, ...instead },
  };
}

/** The options that determine the default store. */
export interface DefaultStoreOptions {
  readonly secret: SecretOption | undefined;
  readonly encoder: SessionEncoder | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Makes the default store. */
export type MakeDefaultStore = (options: DefaultStoreOptions) => SessionStore;
