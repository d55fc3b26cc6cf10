import { type Logger, soundLogger } from "../events.ts";
import type { ExpiryPolicy } from "../record/expiry.ts";
import { parseObject } from "../record/record.ts";
import { serializeValue } from "../record/serialize.ts";
import { assertNotReserved } from "../session/reserved_names.ts";
import type { KeyValueStore, SessionStore } from "../store/contract.ts";
import { isMap, KeyValueAdapter } from "../store/key_value_adapter.ts";
import { checkedEntries } from "../store/key_value_check.ts";
import { isPromiseLike } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";
import { hasMethods, refuse, refuseRange } from "../util/option_errors.ts";
import { insteadOfStore } from "./mistaken_stores.ts";
import type { SessionOptions } from "./options.ts";

/** The longest host name (RFC 1035, 2.3.4). */
const LONGEST_HOST = 253;

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

/** Returns the function that names the scope of a request. */
export function scopeOf(scope: SessionOptions["scope"]): ((c: unknown) => string) | undefined {
  if (scope === undefined) return undefined;
  if (scope === "host") return hostOf;
  return (c) => {
    const name: unknown = scope(c);
    if (typeof name === "string" && name !== "") return name;
    const given = isPromiseLike(name) ? "a promise instead of a name" : "no name";
    throw new TypeError(`Cannot open session: scope returned ${given}`);
  };
}

/** Returns the host name of a request, truncated to the length of a valid name. */
function hostOf(c: unknown): string {
  const { req } = (c ?? {}) as { req?: { url: string } };
  if (req) return new URL(req.url).hostname.slice(0, LONGEST_HOST);
  throw new TypeError(
    'Cannot determine scope of session: "host" requires the Hono context; pass { c }',
  );
}

/** Returns the function that makes the JSON text of the initial data. */
export function makeInitial(initial: unknown): () => string {
  if (typeof initial === "function") {
    if (initial.length > 0) {
      refuse("initial", "a function without parameters is required; set other data in the handler");
    }
    return () => serializeInitial(initial());
  }
  const text = serializeInitial(initial);
  return () => text;
}

function serializeInitial(value: unknown): string {
  if (isPromiseLike(value)) {
    refuse("initial", "its function returns a promise; set asynchronous data in the handler");
  }
  try {
    const text = serializeValue(value, "initial");
    for (const key of Object.keys(parseObject(text))) assertNotReserved(key);
    return text;
  } catch (error) {
    return refuse("initial", (error as Error).message);
  }
}

/** Returns a session store; an object with `get`, `set` and `delete` is adapted. */
export function asStore(
  store: SessionStore | KeyValueStore,
  { clock, logger }: { clock: Clock; logger: Logger },
): SessionStore {
  if (hasMethods(store, "read", "create", "update", "replace", "touch", "delete")) {
    const { capabilities } = store as SessionStore;
    if (typeof capabilities === "object" && capabilities !== null) return store as SessionStore;
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
