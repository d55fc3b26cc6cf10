import { checkSecrets } from "../crypto/secrets.ts";
import { MessageSigner } from "../crypto/message_signature.ts";
import { DeviceProofs } from "../device/device_proofs.ts";
import { varyFor } from "../http/cache_headers.ts";
import type { MiddlewareConfig } from "../http/config.ts";
import { makeDeviceCookie } from "../http/device_cookie.ts";
import { makeDataReader } from "../record/schema.ts";
import type { MakeDefaultStore } from "../store/store_options.ts";
import { instants, wholeClock } from "../util/clock.ts";
import { MIDDLEWARE, refuse } from "../util/option_errors.ts";
import { checkAdopt } from "./adopt_options.ts";
import { checkContradictions } from "./contradictions.ts";
import { makeInitial } from "./make_initial.ts";
import { makeScope } from "./make_scope.ts";
import { makeTransport } from "./make_transport.ts";
import type { SessionOptions } from "./options.ts";
import { asStore, loggerOf, renewalOf } from "./parse_options.ts";
import { readOptions } from "./read_options.ts";
import { makeBearer } from "./token_options.ts";

/**
 * Checks options and fills in defaults, once, when the middleware is built.
 *
 * @param makeStore Makes the default store.
 * @throws {TypeError} When an option is unknown, missing, of the wrong kind, or contradicts another.
 * @throws {RangeError} When a number is out of range.
 */
export function checkOptions<Data extends object>(
  given: SessionOptions<Data, string>,
  makeStore: MakeDefaultStore = refuseMissing,
): MiddlewareConfig {
  const options = readOptions(given);
  const { secret, encoder, maxAge, contextKey, adopt } = options;
  const clock = wholeClock(options.clock);
  const logger = loggerOf(options.logger);
  const chosen = options.store === undefined
    ? makeStore({ secret, encoder, logger, clock })
    : asStore(options.store, { clock, logger });
  checkContradictions(given, chosen.capabilities);
  if (secret !== undefined && typeof secret !== "function") checkSecrets(secret, MIDDLEWARE);
  const transport = makeTransport(options, chosen.capabilities.chunks ?? 1);
  const bearer = options.token && makeBearer(options.token, { secret, clock });
  const cookieName = transport?.cookie.name ?? `token of ${contextKey}`;
  const store = chosen.forCookie?.(cookieName) ?? chosen;
  const { stateless } = store.capabilities;
  const signer = secret !== undefined && transport && !stateless
    ? new MessageSigner({ secret, cookieName })
    : undefined;
  const initial = makeInitial(options.initial);
  const rolling = renewalOf(options.rolling, maxAge);
  if (adopt) checkAdopt(adopt, clock());
  return Object.freeze({
    store,
    options: {
      ...options,
      // Options that can be written in several ways are kept in one, so that they can be compared.
      cookieName,
      cookieOptions: transport && {
        ...transport.cookie.attributes,
        former: transport.former.map(({ attributes }) => attributes),
      },
      initial: typeof options.initial === "function" ? options.initial : initial(),
      rolling,
    },
    transport,
    bearer,
    issue: bearer?.issue,
    device: options.device && transport && signer
      ? new DeviceProofs({
        ...options.device,
        signer,
        cookie: makeDeviceCookie(transport, signer),
        clock,
      })
      : undefined,
    cookieName,
    signer,
    limit: options.maxSessions,
    scope: makeScope(options.scope),
    readData: makeDataReader({ migrate: options.migrate, schema: options.schema, logger }),
    clock,
    instant: instants(clock),
    expiry: {
      maxAge,
      absoluteMaxAge: options.absoluteMaxAge,
      rolling,
      onServer: !stateless,
      persistent: options.persistent,
    },
    rotation: options.rotate,
    initial,
    allowOverwrite: options.allowOverwrite,
    adopt,
    commitOnError: options.commitOnError,
    onStoreError: options.onStoreError,
    liveEvery: options.live.every * 1000,
    revokeEverythingEvery: options.revokeEverything && options.revokeEverything.every * 1000,
    storeTimeout: options.storeTimeout * 1000,
    cacheControl: options.cacheControl,
    vary: varyFor(transport && "Cookie", bearer?.header),
    contextKey,
    lazy: options.lazy,
    events: options.events,
    logger,
  });
}

/** @throws {TypeError} Always: there is no default store. */
function refuseMissing(): never {
  return refuse(
    "store",
    "it is missing; pass one, such as new MapStore(), or import from @x/hono-session, which has a default",
  );
}
