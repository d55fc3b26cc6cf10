import { checkSecrets } from "../crypto/secrets.ts";
import { TokenSigner } from "../crypto/token_signature.ts";
import type { MiddlewareConfig } from "../http/config.ts";
import { InsecureOrigin } from "../http/insecure_origin.ts";
import { makeDataReader } from "../record/schema.ts";
import type { MakeDefaultStore } from "../store/default_store.ts";
import { instants, systemClock, wholeClock } from "../util/clock.ts";
import { refuse } from "../util/option_errors.ts";
import {
  asStore,
  checkContextKey,
  checkEvents,
  checkInitial,
  checkLimit,
  checkLogger,
  checkRolling,
  checkRotate,
  checkSchema,
  checkScope,
} from "./check_parts.ts";
import { checkSeconds, checkShapes } from "./check_shapes.ts";
import { checkCookie } from "./cookie_options.ts";
import { snapshotOf } from "./given_options.ts";
import type { SessionOptions } from "./options.ts";
import { checkToken } from "./token_options.ts";

/** The longest time that a timer can be set to, in seconds. */
const LONGEST_TIMEOUT = 2_147_483;

/**
 * Checks options and fills in defaults, once, when the middleware is built.
 *
 * @param makeStore Makes the store where none is given.
 * @throws {TypeError} When an option is unknown, missing, of the wrong kind, or contradicts another.
 * @throws {RangeError} When a number is out of range.
 */
export function checkOptions<Data extends object>(
  options: SessionOptions<Data, string>,
  makeStore: MakeDefaultStore = refuseMissing,
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
  } = options;
  const clock = wholeClock(options.clock ?? systemClock);
  checkSeconds("maxAge", maxAge);
  if (absoluteMaxAge !== undefined) checkSeconds("absoluteMaxAge", absoluteMaxAge);
  checkSeconds("storeTimeout", storeTimeout, LONGEST_TIMEOUT);
  if (onStoreError !== "error" && onStoreError !== "anonymous") {
    refuse("onStoreError", '"error" or "anonymous" is required');
  }
  checkContextKey(contextKey);
  const logger = checkLogger(options.logger);
  const { secret, encoder } = options;
  for (const member of ["encode", "decode"] as const) {
    if (encoder && typeof encoder[member] !== "function") {
      refuse(`encoder.${member}`, "a function is required");
    }
  }
  const given = options.store === undefined
    ? makeStore({ secret, encoder, logger, clock })
    : asStore(options.store, { clock, logger });
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
    const state =
      "a store on the server that is atomic is required; elsewhere call regenerate() at login";
    refuse("rotate", state);
  }
  if (options.token) {
    if (given.capabilities.stateless) refuse("token", "a store on the server is required");
    if (rotate) refuse("rotate", "a token that was handed out would not outlive the next rotation");
  } else if (options.cookieName === false) {
    refuse("cookieName", "without a cookie, token is required");
  }
  const transport = checkCookie(options, given.capabilities.chunks ?? 1);
  const bearer = options.token && checkToken(options.token, { secret, clock });
  const cookieName = transport?.cookie.name ?? `token of ${contextKey}`;
  const store = given.forCookie?.(cookieName) ?? given;
  return Object.freeze({
    store,
    options: snapshotOf(options),
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
      rolling: checkRolling(rolling, maxAge),
      onServer: !given.capabilities.stateless,
      persistent: options.persistent ?? true,
    },
    rotation: rotate && checkRotate(rotate),
    initial: checkInitial(options.initial),
    allowOverwrite: options.allowOverwrite ?? true,
    commitOnError: options.commitOnError ?? false,
    onStoreError,
    storeTimeout: storeTimeout * 1000,
    cacheControl: options.cacheControl ?? true,
    vary: [...(transport ? ["Cookie"] : []), ...(bearer ? [bearer.transport.header] : [])].join(
      ", ",
    ),
    insecureOrigin: new InsecureOrigin(logger),
    contextKey,
    lazy: options.lazy ?? false,
    events: checkEvents(options.events),
    logger,
  });
}

/** @throws {TypeError} Always: there is no default. */
function refuseMissing(): never {
  return refuse(
    "store",
    "it is missing; give one, such as new MapStore(), or import from @x/hono-session, which has a default",
  );
}
