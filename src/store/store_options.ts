import { INSTEAD_OF_STORES } from "../util/foreign_options.ts";
import type { OptionTable } from "../util/option_table.ts";

/** The options of a store: its own, and the clock that each of them has. */
export function storeTable(
  store: string,
  { shapes, instead, ...table }: Omit<OptionTable, "action" | "within">,
): OptionTable {
  return {
    ...table,
    action: `create ${store}`,
    shapes: { ...shapes, clock: ["function"] },
    instead: { ...INSTEAD_OF_STORES, ...instead },
  };
}
