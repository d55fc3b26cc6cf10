import type { SessionStore } from "../../src/store/contract.ts";
import { storeTable } from "../../src/store/store_options.ts";
import { MOST_CHUNKS } from "../../src/util/cookie_limits.ts";
import { hasMethods, refuseRange } from "../../src/util/option_errors.ts";
import { checkTable, type OptionTable } from "../../src/util/option_table.ts";
import type { CookieFormat } from "./format.ts";

const COOKIE_STORE = cookieTable("cookie store", { shapes: {} });

/** The options of a cookie store: its own, and those that each of them has. */
export function cookieTable(
  store: string,
  { shapes, ...table }: Omit<OptionTable, "action" | "within">,
): OptionTable {
  const common = { chunks: ["any"], memo: ["any"], revocations: ["object"] } as const;
  return storeTable(store, { ...table, shapes: { ...shapes, ...common } });
}

/**
 * @throws {TypeError} When the format or an option is not what it should be, or `revocations` may lose a mark or show it
 * late.
 * @throws {RangeError} When `chunks` or `memo` is out of range.
 */
export function checkCookieStore(
  format: CookieFormat,
  options: { chunks?: number; memo?: number; revocations?: SessionStore },
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
  if (revocations) assertReliable(revocations);
}

/** @throws {TypeError} When a mark in such a store may get lost or be seen late. */
function assertReliable({ capabilities }: SessionStore): void {
  const { atomic, consistency, evicts = false } = capabilities ?? {};
  if (!atomic || consistency !== "strong") {
    throw new TypeError(
      "Cannot create cookie store: revocations requires a store on the server that is atomic and strongly consistent",
    );
  }
  if (evicts) {
    throw new TypeError(
      "Cannot create cookie store: revocations drops the oldest records when it is full, and an ended session would be " +
        "valid again; give MapStore maxEntries: Infinity, or take Deno KV, Redis or DynamoDB",
    );
  }
}
