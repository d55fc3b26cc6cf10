import { type Logger, soundLogger } from "../events.ts";
import type { ExpiryPolicy } from "../record/expiry.ts";
import { isObject } from "../record/plain_object.ts";
import type { KeyValueStore, SessionStore } from "../store/contract.ts";
import { isMap, KeyValueAdapter } from "../store/key_value_adapter.ts";
import { checkedEntries } from "../store/key_value_check.ts";
import type { Clock } from "../util/clock.ts";
import { hasMethods, refuse, refuseRange } from "../util/option_errors.ts";
import { insteadOfStore } from "./mistaken_stores.ts";
import type { SessionOptions } from "./options.ts";

/**
 * Returns the interval at which use renews a session.
 *
 * @throws {RangeError} When the interval is not shorter than the lifetime.
 */
export function renewalOf(
  rolling: NonNullable<SessionOptions["rolling"]>,
  maxAge: number,
): ExpiryPolicy["rolling"] {
  if (typeof rolling === "boolean") return rolling && { after: undefined };
  const { after } = rolling;
  if (after < maxAge) return { after };
  return refuseRange("rolling.after", `${after}, less than maxAge (${maxAge}) is required`);
}

/** Checks a logger, and wraps it so that its failures are ignored. */
export function loggerOf(logger: Logger): Logger {
  return logger === console ? logger : soundLogger(logger);
}

/** Returns a session store; an object with `get`, `set` and `delete` is adapted. */
export function asStore(
  store: SessionStore | KeyValueStore,
  { clock, logger }: { clock: Clock; logger: Logger },
): SessionStore {
  if (hasMethods(store, "read", "create", "update", "replace", "touch", "delete")) {
    const { capabilities } = store as SessionStore;
    if (isObject(capabilities)) return store as SessionStore;
    refuse("store.capabilities", "an object is required");
  }
  const instead = insteadOfStore(store);
  if (instead) refuse("store", instead);
  if (!hasMethods(store, "get", "set", "delete")) {
    refuse("store", "a session store, or an object with get, set and delete, is required");
  }
  const entries = store as KeyValueStore;
  return new KeyValueAdapter(
    isMap(entries) ? entries : checkedEntries(entries, logger),
    clock,
  );
}
