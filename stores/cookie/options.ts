import { storeTable } from "../../src/store/store_options.ts";
import { MOST_CHUNKS } from "../../src/util/cookie_limits.ts";
import { hasMethods, refuse, refuseRange } from "../../src/util/option_errors.ts";
import { checkTable, type OptionTable } from "../../src/util/option_table.ts";
import { NOT_ASYNC, OBJECT } from "../../src/util/shapes.ts";
import type { CookieFormat } from "./format.ts";
import type { Revocations } from "./revocation/revocations.ts";

const COOKIE_STORE = cookieTable("cookie store", { shapes: {} });

/** Returns the option table of a cookie store: its own options, and those of all cookie stores. */
export function cookieTable(
  store: string,
  { shapes, ...table }: Omit<OptionTable, "action" | "within">,
): OptionTable {
  const common = { chunks: NOT_ASYNC, memo: NOT_ASYNC, revocations: OBJECT };
  return storeTable(store, { ...table, shapes: { ...shapes, ...common } });
}

/**
 * @throws {TypeError} When the format or an option is invalid.
 * @throws {RangeError} When `chunks` or `memo` is out of range.
 */
export function checkCookieStore(
  format: CookieFormat,
  options: { chunks?: number; memo?: number; revocations?: Revocations },
): void {
  if (!hasMethods(format, "keys", "seal", "open")) {
    throw new TypeError(
      "Cannot create cookie store: a format with keys, seal and open is required",
    );
  }
  checkTable(COOKIE_STORE, options);
  const { chunks = 1, memo = 0, revocations } = options;
  if (!Number.isInteger(chunks) || chunks < 1 || chunks > MOST_CHUNKS) {
    const state = `${String(chunks)}, an integer of 1 to ${MOST_CHUNKS} is required`;
    refuseRange("chunks", state, COOKIE_STORE);
  }
  if (!Number.isSafeInteger(memo) || memo < 0) {
    refuseRange("memo", `${String(memo)}, an integer of at least 0 is required`, COOKIE_STORE);
  }
  if (revocations && !hasMethods(revocations, "forCookieStore")) {
    refuse("revocations", "write revocations: new Revocations(store)", COOKIE_STORE);
  }
}
