import { checkCookie } from "./check_cookie.ts";
import type { SessionLimit } from "./committing.ts";
import { checkMembers, checkSeconds, checkShapes } from "./check_shapes.ts";
import { instants, systemClock } from "./clock.ts";
import { defaultStore } from "./default_store.ts";
import { type Logger, type SessionEvents, soundLogger } from "./events.ts";
import { AdaptedStore } from "./key_value_store.ts";
import { refuse, refuseRange } from "./misuse.ts";
import type { SessionOptions } from "./options.ts";
import { parseObject, serializeValue } from "./record.ts";
import { assertNotReserved } from "./session.ts";
import { checkSecrets } from "./secrets.ts";
import type { RotationPolicy } from "./rotation.ts";
import type { SessionsConfig } from "./sessions.ts";
import { TokenSigner } from "./signature.ts";
import type { Clock, KeyValueStore, SessionStore } from "./store.ts";
import type { CookieTransport } from "./cookie_transport.ts";
import { type Bearer, checkToken } from "./check_token.ts";
import { makeDataReader, type StandardSchema } from "./data_reader.ts";

/** What the middleware works with. */
export interface MiddlewareConfig extends SessionsConfig {
  /** Where tokens travel, unless they are given by hand alone. */
  readonly transport: CookieTransport | undefined;
  /** How sessions are opened without a cookie. */
  readonly bearer: Bearer | undefined;
  /** The store as it was given, before it was bound to a cookie. */
  readonly origin: SessionStore;
  readonly signer: TokenSigner | undefined;
  readonly commitOnError: boolean;
  readonly cacheControl: boolean;
  readonly contextKey: string;
  readonly lazy: boolean;
}

const EVENTS: readonly (keyof SessionEvents)[] = [
  "created",
  "loaded",
  "renewed",
  "regenerated",
  "rotated",
  "destroyed",
  "rejected",
  "conflict",
  "interrupted",
  "storeError",
];

/** The longest time that a timer can be set to, in seconds. */
const LONGEST_TIMEOUT = 2_147_483;

/** The longest name of a host (RFC 1035, 2.3.4). */
const LONGEST_HOST = 253;

/** What every Hono context has, which a session can't be called. */
const CONTEXT_MEMBERS = new Set(
  ("body env error event executionCtx finalized get getLayout header html json newResponse notFound " +
    "redirect render req res set setLayout setRenderer status text var").split(" "),
);

/**
 * Checks options and fills in defaults, once, when the middleware is built.
 *
 * @throws {TypeError} When an option is unknown, of the wrong kind, or contradicts another.
 * @throws {RangeError} When a number is out of range.
 */
export function checkOptions<Data extends object>(
  options: SessionOptions<Data, string>,
): MiddlewareConfig {
  checkShapes(options);
  const {
    maxAge = 86400,
    absoluteMaxAge,
    rolling = false,
    rotate,
    storeTimeout = 5,
    onStoreError = "error",
    contextKey = "session",
    clock = systemClock,
  } = options;
  checkSeconds("maxAge", maxAge);
  if (absoluteMaxAge !== undefined) checkSeconds("absoluteMaxAge", absoluteMaxAge);
  checkSeconds("storeTimeout", storeTimeout, LONGEST_TIMEOUT);
  if (typeof rolling === "object") {
    const { after, ...rest } = rolling;
    for (const name of Object.keys(rest)) refuse(`rolling.${name}`, "there is no such member");
    checkSeconds("rolling.after", after);
    if (after >= maxAge) {
      refuseRange("rolling.after", `${after}, less than maxAge (${maxAge}) is needed`);
    }
  }
  if (onStoreError !== "error" && onStoreError !== "anonymous") {
    refuse("onStoreError", '"error" or "anonymous" is needed');
  }
  checkContextKey(contextKey);
  if (options.events) checkMembers("events", options.events, EVENTS);
  const logger = checkLogger(options.logger);
  const { secret, encoder } = options;
  for (const member of ["encode", "decode"] as const) {
    if (encoder && typeof encoder[member] !== "function") {
      refuse(`encoder.${member}`, "it takes a function");
    }
  }
  const given = options.store === undefined
    ? defaultStore({ secret, encoder, logger, clock })
    : asStore(options.store, clock);
  if (options.store !== undefined) {
    if (encoder) refuse("encoder", "give it to the store, not to the middleware");
    if (secret !== undefined && given.capabilities.stateless) {
      refuse("secret", "give it to the cookie store, not to the middleware");
    }
  }
  if (secret !== undefined && typeof secret !== "function") {
    checkSecrets(secret, { action: "build session middleware" });
  }
  if (rotate && !given.capabilities.atomic) {
    refuse("rotate", "it takes a store on the server that is atomic");
  }
  if (options.token) {
    if (given.capabilities.stateless) refuse("token", "it takes a store on the server");
    if (rotate) refuse("rotate", "a token that was handed out would not outlive the next rotation");
  } else if (options.cookieName === false) {
    refuse("cookieName", "without a cookie it takes token");
  }
  const transport = checkCookie(options, given.capabilities.chunks ?? 1);
  const bearer = options.token && checkToken(options.token, { secret, clock });
  const cookieName = transport?.cookie.name ?? `token of ${contextKey}`;
  const store = given.forCookie?.(cookieName) ?? given;
  return Object.freeze({
    store,
    origin: given,
    transport,
    bearer,
    issue: bearer?.issue,
    cookieName,
    signer: secret !== undefined && transport && !store.capabilities.stateless
      ? new TokenSigner({ secret, purpose: cookieName })
      : undefined,
    limit: options.maxSessions && checkLimit(options.maxSessions, given.capabilities.index),
    scope: checkScope(options.scope),
    readData: makeDataReader({
      migrate: options.migrate,
      schema: checkSchema(options.schema),
      logger,
    }),
    clock,
    instant: instants(clock),
    expiry: {
      maxAge,
      absoluteMaxAge,
      rolling: rolling === true ? { after: undefined } : rolling,
    },
    rotation: rotate && checkRotate(rotate),
    initial: checkInitial(options.initial),
    allowOverwrite: options.allowOverwrite ?? true,
    commitOnError: options.commitOnError ?? false,
    onStoreError,
    storeTimeout: storeTimeout * 1000,
    cacheControl: options.cacheControl ?? true,
    contextKey,
    lazy: options.lazy ?? false,
    events: options.events ?? {},
    logger,
  });
}

/** @throws {TypeError} When a name is taken on every Hono context. */
export function checkContextKey(contextKey: string): void {
  if (contextKey === "" || contextKey in Object.prototype || CONTEXT_MEMBERS.has(contextKey)) {
    refuse("contextKey", `"${contextKey}" can't name a session, it is a member of Hono's context`);
  }
}

function checkLogger(logger: Logger | undefined): Logger {
  if (!logger) return console;
  for (const member of ["error", "warn"] as const) {
    if (typeof logger[member] !== "function") refuse(`logger.${member}`, "it takes a function");
  }
  return soundLogger(logger);
}

function checkRotate(
  { every, grace = 30, ...rest }: NonNullable<SessionOptions["rotate"]>,
): RotationPolicy {
  for (const [name, value] of Object.entries({ every, grace })) {
    if (value !== 0) checkSeconds(`rotate.${name}`, value);
  }
  for (const name of Object.keys(rest)) refuse(`rotate.${name}`, "there is no such member");
  return { every, grace };
}

function checkLimit(
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

function checkSchema(schema: StandardSchema<unknown> | undefined): typeof schema {
  if (schema === undefined || typeof schema["~standard"]?.validate === "function") return schema;
  return refuse("schema", "it takes a schema of the Standard Schema specification");
}

function checkScope(scope: SessionOptions["scope"]): ((c: unknown) => string) | undefined {
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

function checkInitial(initial: unknown): () => string {
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

function asStore(store: SessionStore | KeyValueStore, clock: Clock): SessionStore {
  const members = (names: string[]) =>
    names.every((name) =>
      typeof (store as unknown as Record<string, unknown>)[name] === "function"
    );
  if (members(["read", "create", "update", "replace", "touch", "delete"])) {
    const { capabilities } = store as SessionStore;
    if (typeof capabilities === "object" && capabilities !== null) return store as SessionStore;
    refuse("store.capabilities", "it takes an object");
  }
  if (members(["get", "set", "delete"])) return new AdaptedStore(store as KeyValueStore, clock);
  return refuse("store", "it takes a session store, or an object with get, set and delete");
}
