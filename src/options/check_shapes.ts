import { EVENTS } from "../events.ts";
import { ATTRIBUTES, SCOPE_SHAPES } from "../http/cookie_attributes.ts";
import { LONGEST_LIFE } from "../record/expiry.ts";
import { INSTEAD } from "../util/foreign_options.ts";
import { MIDDLEWARE } from "../util/option_errors.ts";
import { checkTable, type Numbers, type OptionTable, type Shape } from "../util/option_table.ts";
import type { AdoptOptions } from "./adopt_options.ts";
import type { SessionDeviceOptions, SessionOptions, SessionTokenOptions } from "./options.ts";

/** The longest time of a timer, in seconds. */
const LONGEST_TIMEOUT = 2_147_483;

/**
 * The longest interval between two reads of a watched session, in seconds: the trace of a moved session is kept
 * for a minute.
 */
const LONGEST_POLL = 50;

/** A duration in seconds. */
export const SECONDS = seconds(LONGEST_LIFE);
const SECONDS_OR_NONE = seconds(LONGEST_LIFE, 0);
const LEASE = seconds(LONGEST_POLL, 0);
const COUNT: Numbers = {
  range: "an integer of at least 1",
  includes: (value) => Number.isSafeInteger(value) && value >= 1,
};

/** The lifetime of the proof of a device, in seconds. Browsers sign about six proofs in nine minutes for a site. */
const PROOF = seconds(86_400, 300);

/** The name of a header (RFC 9110, 5.6.2), or of a query parameter. */
const NAME = { text: "a name", pattern: /^[\w!#$%&'*+.^`|~-]+$/ };

const COOKIE = {
  shapes: { ...ATTRIBUTES.shapes, prefix: ['"host"', '"secure"'], former: ["array"] },
  instead: ATTRIBUTES.instead,
} as const;

const TOKEN: Readonly<Record<keyof SessionTokenOptions, readonly Shape[]>> = {
  secret: ["any"],
  maxAge: [SECONDS],
  queryParam: [NAME, "false"],
  header: [NAME],
  audience: ["string"],
  payload: ["async function"],
};

const ADOPT: Readonly<Record<keyof AdoptOptions, readonly Shape[]>> = {
  cookie: ["string"],
  cookieOptions: [{ shapes: SCOPE_SHAPES }],
  until: ["object"],
  read: ["async function"],
};

const DEVICE: Readonly<Record<keyof SessionDeviceOptions, readonly Shape[]>> = {
  path: [{
    text: "a path that begins with a slash",
    pattern: /^(?:\/(?!\.\.?(?:\/|$))[\w.~-]+)+$/,
  }],
  every: [PROOF],
  initiators: ["array"],
};

/** Every option and the values that it accepts. */
export const SHAPES: Readonly<Record<keyof SessionOptions, readonly Shape[]>> = {
  store: ["any"],
  secret: ["any"],
  encoder: [{ methods: ["encode", "decode"] }],
  maxAge: [SECONDS],
  rolling: ["boolean", { shapes: { after: [SECONDS] }, required: "after" }],
  absoluteMaxAge: [SECONDS],
  persistent: ["boolean"],
  rotate: [{
    shapes: { every: [SECONDS_OR_NONE], grace: [SECONDS_OR_NONE], remember: [SECONDS_OR_NONE] },
    required: "every",
  }],
  cookieName: ["string", "false"],
  cookieOptions: [COOKIE],
  existsCookieName: ["string"],
  existsCookieOptions: [COOKIE],
  device: ["boolean", { shapes: DEVICE }],
  token: [{ shapes: TOKEN, required: "maxAge", instead: { ttl: "use maxAge" } }],
  adopt: [{ shapes: ADOPT, required: "until" }],
  initial: ["object", "function"],
  schema: ["object", "function"],
  migrate: ["async function"],
  scope: ['"host"', "function"],
  maxSessions: [{
    shapes: { limit: [COUNT], policy: ['"evict-oldest"', '"reject"'] },
    required: "limit",
  }],
  revokeEverything: ["boolean", { shapes: { every: [LEASE] } }],
  allowOverwrite: ["boolean"],
  commitOnError: ["boolean"],
  onStoreError: ['"error"', '"anonymous"'],
  storeTimeout: [seconds(LONGEST_TIMEOUT)],
  cacheControl: ["boolean"],
  contextKey: ["string"],
  lazy: ["boolean"],
  live: [{ shapes: { every: [seconds(LONGEST_POLL)] } }],
  events: [{ shapes: Object.fromEntries(EVENTS.map((name) => [name, ["async function"]])) }],
  logger: [{ methods: ["error", "warn"] }],
  clock: ["function"],
};

const TABLE: OptionTable = { ...MIDDLEWARE, shapes: SHAPES, instead: INSTEAD };

/**
 * @throws {TypeError} When the options are not an object, or one is unknown or of the wrong kind.
 * @throws {RangeError} When a number is out of range.
 */
export function checkShapes(options: object): void {
  checkTable(TABLE, options);
}

/** Durations of at least so many seconds; without `least` of more than none. */
function seconds(most: number, least?: number): Numbers {
  return {
    range: `a number of seconds ${least === undefined ? "above 0" : `from ${least}`} up to ${most}`,
    includes: (value) => value <= most && (least === undefined ? value > 0 : value >= least),
  };
}
