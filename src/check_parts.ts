import { checkMembers, checkSeconds } from "./check_shapes.ts";
import type { SessionLimit } from "./committing.ts";
import type { StandardSchema } from "./data_reader.ts";
import { EVENTS, type Logger, type SessionEvents, soundLogger } from "./events.ts";
import type { ExpiryPolicy } from "./expiry.ts";
import { AdaptedStore } from "./key_value_store.ts";
import { refuse, refuseRange } from "./misuse.ts";
import type { SessionOptions } from "./options.ts";
import { parseObject, serializeValue } from "./record.ts";
import type { RotationPolicy } from "./rotation.ts";
import { assertNotReserved } from "./session.ts";
import type { Clock, KeyValueStore, SessionStore } from "./store.ts";

/** The longest name of a host (RFC 1035, 2.3.4). */
const LONGEST_HOST = 253;

/** What every Hono context has, which a session can't be called. */
const CONTEXT_MEMBERS = new Set(
  ("body env error event executionCtx finalized get getLayout header html json newResponse notFound " +
    "redirect render req res set setLayout setRenderer status text var").split(" "),
);

/** @throws {TypeError} When a name is taken on every Hono context. */
export function checkContextKey(contextKey: string): void {
  if (contextKey === "" || contextKey in Object.prototype || CONTEXT_MEMBERS.has(contextKey)) {
    refuse("contextKey", `"${contextKey}" can't name a session, it is a member of Hono's context`);
  }
}

/** Listeners of events that there are. */
export function checkEvents(events: SessionEvents = {}): SessionEvents {
  checkMembers("events", events, EVENTS);
  return events;
}

/** When use renews a session. */
export function checkRolling(
  rolling: NonNullable<SessionOptions["rolling"]>,
  maxAge: number,
): ExpiryPolicy["rolling"] {
  if (typeof rolling === "boolean") return rolling && { after: undefined };
  const { after, ...rest } = rolling;
  for (const name of Object.keys(rest)) refuse(`rolling.${name}`, "there is no such member");
  checkSeconds("rolling.after", after);
  if (after >= maxAge) {
    refuseRange("rolling.after", `${after}, less than maxAge (${maxAge}) is needed`);
  }
  return { after };
}

/** A logger that can be called, and can't fail. */
export function checkLogger(logger: Logger | undefined): Logger {
  if (!logger) return console;
  for (const member of ["error", "warn"] as const) {
    if (typeof logger[member] !== "function") refuse(`logger.${member}`, "it takes a function");
  }
  return soundLogger(logger);
}

/** When tokens are rotated. */
export function checkRotate(
  { every, grace = 30, ...rest }: NonNullable<SessionOptions["rotate"]>,
): RotationPolicy {
  for (const [name, value] of Object.entries({ every, grace })) {
    if (value !== 0) checkSeconds(`rotate.${name}`, value);
  }
  for (const name of Object.keys(rest)) refuse(`rotate.${name}`, "there is no such member");
  return { every, grace };
}

/** How many sessions a subject may have, where the store can tell. */
export function checkLimit(
  { limit, policy = "evict-oldest", ...rest }: NonNullable<SessionOptions["maxSessions"]>,
  index: boolean,
): SessionLimit {
  for (const name of Object.keys(rest)) refuse(`maxSessions.${name}`, "there is no such member");
  if (!Number.isSafeInteger(limit) || limit < 1) {
    refuseRange("maxSessions.limit", `${String(limit)}, an integer of at least 1 is needed`);
  }
  if (policy !== "evict-oldest" && policy !== "reject") {
    refuse("maxSessions.policy", '"evict-oldest" or "reject" is needed');
  }
  if (!index) refuse("maxSessions", "it takes a store that lists the sessions of a subject");
  return { limit, policy };
}

/** A schema of the specification. */
export function checkSchema(schema: StandardSchema<unknown> | undefined): typeof schema {
  if (schema === undefined || typeof schema["~standard"]?.validate === "function") return schema;
  return refuse("schema", "it takes a schema of the Standard Schema specification");
}

/** What names the scope of a request. */
export function checkScope(scope: SessionOptions["scope"]): ((c: unknown) => string) | undefined {
  if (scope === undefined) return undefined;
  if (scope === "host") return hostOf;
  if (typeof scope !== "function") return refuse("scope", '"host" or a function is needed');
  return (c) => {
    const name: unknown = scope(c);
    if (typeof name === "string" && name !== "") return name;
    throw new TypeError("Cannot open session: scope gave no name");
  };
}

/** The host that a request is for, in no more characters than a name has. */
function hostOf(c: unknown): string {
  const { req } = (c ?? {}) as { req?: { url: string } };
  if (req) return new URL(req.url).hostname.slice(0, LONGEST_HOST);
  throw new TypeError('Cannot tell scope of session: "host" needs the Hono context, give it as c');
}

/** What makes the JSON text of the data that a new session has. */
export function checkInitial(initial: unknown): () => string {
  if (typeof initial === "function") return () => serializeInitial(initial());
  const text = serializeInitial(initial ?? {});
  return () => text;
}

function serializeInitial(value: unknown): string {
  try {
    const text = serializeValue(value, "initial");
    for (const key of Object.keys(parseObject(text))) assertNotReserved(key);
    return text;
  } catch (error) {
    return refuse("initial", (error as Error).message);
  }
}

/** A session store, or an adapter for what has `get`, `set` and `delete`. */
export function asStore(store: SessionStore | KeyValueStore, clock: Clock): SessionStore {
  const members = (names: string[]) =>
    names.every((name) => typeof Reflect.get(store, name) === "function");
  if (members(["read", "create", "update", "replace", "touch", "delete"])) {
    const { capabilities } = store as SessionStore;
    if (typeof capabilities === "object" && capabilities !== null) return store as SessionStore;
    refuse("store.capabilities", "it takes an object");
  }
  if (members(["get", "set", "delete"])) return new AdaptedStore(store as KeyValueStore, clock);
  return refuse("store", "it takes a session store, or an object with get, set and delete");
}
