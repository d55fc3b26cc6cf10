import { GRACE } from "../commit/rotation.ts";
import { EVENTS } from "../events.ts";
import { ATTRIBUTES, SCOPE_SHAPES } from "../http/cookie_attributes.ts";
import { LONGEST_LIFE } from "../record/expiry.ts";
import { systemClock } from "../util/clock.ts";
import { refuse } from "../util/option_errors.ts";
import type { Preset, Shape } from "../util/option_table.ts";
import {
  BOOLEAN,
  COUNT,
  DATE,
  either,
  FUNCTION,
  inRange,
  listOf,
  members,
  methods,
  NOT_ASYNC,
  OBJECT,
  oneOf,
  preset,
  required,
  STRING,
  switchable,
  SYNC_FUNCTION,
  textLike,
} from "../util/shapes.ts";
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
export const SECONDS: Shape = seconds(LONGEST_LIFE);
const SECONDS_OR_NONE = seconds(LONGEST_LIFE, 0);

/** The lifetime of the proof of a device, in seconds. Browsers sign about six proofs in nine minutes for a site. */
const PROOF = seconds(86_400, 300);

/** The name of a header (RFC 9110, 5.6.2), or of a query parameter. */
const NAME = textLike("a name", /^[\w!#$%&'*+.^`|~-]+$/);

/** Secrets, which are checked where they are used. */
const SECRET: Shape = {
  ...NOT_ASYNC,
  read: (value) => Array.isArray(value) ? [...value] : value,
};

/** A validator of the Standard Schema specification. */
const SCHEMA: Shape = {
  text: "a schema of the Standard Schema specification",
  is: (value) => typeof (value as SessionOptions["schema"])?.["~standard"]?.validate === "function",
};

/** The members of every Hono context, which can't be the name of a session. */
const CONTEXT_MEMBERS = new Set(
  ("body env error event executionCtx finalized get getLayout header html json newResponse notFound " +
    "redirect render req res set setLayout setRenderer status text var").split(" "),
);

/** The name of a session on the context. */
export const CONTEXT_KEY: Shape = {
  ...STRING,
  read(value, { name, action }) {
    const key = value as string;
    if (key !== "" && !(key in Object.prototype) && !CONTEXT_MEMBERS.has(key)) return key;
    const state = `"${key}" can't name a session, it is a member of Hono's context`;
    refuse(name, state, { action });
  },
};

const COOKIE = members({
  ...ATTRIBUTES.shapes,
  prefix: oneOf("host", "secure"),
  former: listOf(members(SCOPE_SHAPES)),
}, ATTRIBUTES.instead);

const ROTATE = {
  every: required(SECONDS_OR_NONE),
  grace: preset(SECONDS_OR_NONE, GRACE),
  remember: preset(SECONDS_OR_NONE, 3600),
} satisfies Shapes<NonNullable<SessionOptions["rotate"]>>;

const TOKEN = {
  secret: SECRET,
  maxAge: required(SECONDS),
  queryParam: preset(either(NAME, oneOf(false)), "token"),
  header: preset(NAME, "Authorization"),
  audience: STRING,
  payload: preset(FUNCTION, () => ({})),
} satisfies Shapes<SessionTokenOptions>;

const ADOPT = {
  cookie: required(STRING),
  cookieOptions: members(SCOPE_SHAPES),
  until: required(DATE),
  read: required(FUNCTION),
} satisfies Shapes<AdoptOptions>;

const DEVICE = {
  path: textLike(
    "a path that begins with a slash",
    /^(?:\/(?!\.\.?(?:\/|$))[\w.~-]+)+$/,
  ),
  every: preset(PROOF, 600),
  // Host names, each with or without a wildcard for its subdomains, or a wildcard for all hosts.
  initiators: preset(
    listOf(
      textLike(
        'a host name such as "*", "example.com" or "*.example.com"',
        /^(?:\*|(?:\*\.)?[\w-]+(?:\.[\w-]+)*)$/,
      ),
    ),
    ["*"],
  ),
} satisfies Shapes<SessionDeviceOptions>;

const SESSION_LIMIT = {
  limit: required(COUNT),
  policy: preset(oneOf("evict-oldest", "reject"), "evict-oldest"),
} satisfies Shapes<NonNullable<SessionOptions["maxSessions"]>>;

/** Every option, the values that it accepts, and its default. */
export const SHAPES = {
  store: NOT_ASYNC,
  secret: SECRET,
  encoder: methods("encode", "decode"),
  maxAge: preset(SECONDS, 86400),
  rolling: preset(either(BOOLEAN, members({ after: required(SECONDS) })), false),
  absoluteMaxAge: SECONDS,
  persistent: preset(BOOLEAN, true),
  rotate: members(ROTATE),
  cookieName: preset(either(STRING, oneOf(false)), "sid"),
  cookieOptions: preset(COOKIE, {}),
  existsCookieName: STRING,
  existsCookieOptions: preset(COOKIE, {}),
  device: switchable(members(DEVICE)),
  token: members(TOKEN, { ttl: "use maxAge" }),
  adopt: members(ADOPT),
  initial: preset(either(OBJECT, SYNC_FUNCTION), {}),
  schema: SCHEMA,
  migrate: FUNCTION,
  scope: either(oneOf("host"), SYNC_FUNCTION),
  maxSessions: members(SESSION_LIMIT),
  revokeEverything: switchable(
    members({ every: preset(seconds(LONGEST_POLL, 0), 5) }),
  ),
  allowOverwrite: preset(BOOLEAN, true),
  commitOnError: preset(BOOLEAN, false),
  onStoreError: preset(oneOf("error", "anonymous"), "error"),
  storeTimeout: preset(seconds(LONGEST_TIMEOUT), 5),
  cacheControl: preset(BOOLEAN, true),
  contextKey: preset(CONTEXT_KEY, "session"),
  lazy: preset(BOOLEAN, false),
  live: preset(members({ every: preset(seconds(LONGEST_POLL), 10) }), {}),
  events: preset(
    members(Object.fromEntries(EVENTS.map((name) => [name, FUNCTION]))),
    {},
  ),
  logger: preset(methods("error", "warn"), console),
  clock: preset(SYNC_FUNCTION, systemClock),
} satisfies Shapes<SessionOptions>;

/** A shape for each option. The type of its default is that of the option. */
type Shapes<Options> = {
  readonly [Name in keyof Required<Options>]: Preset<Options[Name]>;
};

/** Accepts a number of seconds from `least` up to `most`; without `least`, more than 0. */
function seconds(most: number, least?: number): Shape {
  return inRange(
    `a number of seconds ${least === undefined ? "above 0" : `from ${least}`} up to ${most}`,
    (value) => value <= most && (least === undefined ? value > 0 : value >= least),
  );
}
