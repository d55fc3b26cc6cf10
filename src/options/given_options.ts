import type { SessionLimit } from "../commit/context.ts";
import { GRACE, type RotationPolicy } from "../commit/rotation.ts";
import type { MiddlewareConfig } from "../http/config.ts";
import { systemClock } from "../util/clock.ts";
import { definedOf } from "../util/property.ts";
import type { SessionDeviceOptions, SessionOptions } from "./options.ts";

const DEFAULTS = {
  maxAge: 86400,
  rolling: false,
  persistent: true,
  cookieName: "sid",
  cookieOptions: {},
  existsCookieOptions: {},
  initial: {},
  allowOverwrite: true,
  commitOnError: false,
  onStoreError: "error",
  storeTimeout: 5,
  cacheControl: true,
  contextKey: "session",
  lazy: false,
  events: {},
  logger: console,
  clock: systemClock,
} satisfies SessionOptions<object, string>;

/** The given options, for data of any type. */
// deno-lint-ignore no-explicit-any -- What is checked is checked for all types of data.
export type GivenOptions = SessionOptions<any, string>;

/** Options with their defaults. */
export type WholeOptions =
  & Omit<GivenOptions, "rotate" | "maxSessions" | "live" | "revokeEverything" | "device">
  & { [Name in keyof typeof DEFAULTS]-?: NonNullable<GivenOptions[Name]> }
  & {
    readonly rotate: RotationPolicy | undefined;
    readonly maxSessions: SessionLimit | undefined;
    readonly live: { readonly every: number };
    readonly revokeEverything: { readonly every: number } | undefined;
    readonly device: Required<SessionDeviceOptions> | undefined;
  };

/** Options with their defaults. */
export function withDefaults(
  { rotate, maxSessions, live, revokeEverything, device, ...options }: GivenOptions,
): WholeOptions {
  return {
    ...DEFAULTS,
    ...definedOf(options),
    rotate: rotate && { grace: GRACE, remember: 3600, ...definedOf(rotate) },
    live: { every: 10, ...definedOf(live ?? {}) },
    revokeEverything: revokeEverything
      ? { every: 5, ...(revokeEverything === true ? {} : definedOf(revokeEverything)) }
      : undefined,
    device: device ? deviceOptions(device === true ? {} : device, options) : undefined,
    maxSessions: maxSessions && { policy: "evict-oldest", ...definedOf(maxSessions) },
  };
}

function deviceOptions(
  { path, every = 600, initiators = ["*"] }: SessionDeviceOptions,
  { contextKey = "session" }: GivenOptions,
): Required<SessionDeviceOptions> {
  const named = contextKey === "session" ? "" : `/${encodeURIComponent(contextKey)}`;
  return { path: path ?? `/_session/device${named}`, every, initiators: [...initiators] };
}

/** Returns a copy of the options, independent of later changes by the application. */
export function snapshotOf(
  { secret, encoder, token, adopt, ...options }: Readonly<Record<string, unknown>>,
): MiddlewareConfig["options"] {
  return Object.freeze({
    ...options,
    secret: Array.isArray(secret) ? [...secret] : secret,
    encoder: encoder && { ...encoder },
    token: token && { ...token },
    adopt: adopt && { ...adopt },
  });
}
