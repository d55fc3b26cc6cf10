import {
  type AdoptOptions,
  type Logger,
  session,
  type SessionCookieOptions,
  type SessionDeviceOptions,
  type SessionEvents,
  type SessionOptions,
  type SessionTokenOptions,
} from "@x/hono-session";
import { EncryptedCookieStore, SealedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { SimpleCookieStore, UnsafeMemorySessionStore } from "@hattip/session";
import { Hono } from "hono";
import { MemoryStore } from "hono-sessions";
import { createClient } from "redis";
import { checkOptions } from "../../src/options/check_options.ts";
import { SHAPES } from "../../src/options/shapes.ts";
import { COOKIE_STORES, SECRET } from "../_support/cookie_stores.ts";
import { hasName, type ValueName, VALUES } from "../_support/misuse.ts";

type Options = Record<string, unknown>;

const QUIET: Logger = { error() {}, warn() {} };
const TOKEN = { secret: SECRET, maxAge: 60 };
const SOON = new Date(Date.now() + 86_400_000);
const ADOPT = { cookie: "old", until: SOON, read() {} };

/** What an option takes of the values, and what it refuses beside them. */
interface Case {
  /** What it takes of the values; every other one is misuse. */
  takes: ValueName[];
  /** Further misuse. */
  refuses?: unknown[];
  /** The options that it needs. */
  with?: Options;
}

const NUMBER: ValueName[] = ["1", "0.5"];
const TEXT: ValueName[] = ["a text", "a number as text"];
const ANY_FUNCTION: ValueName[] = ["a function", "an async function"];
const SWITCH: ValueName[] = ["true", "false"];

const METHODS = ["read", "create", "update", "replace", "touch", "delete"];
const HALF_A_STORE = Object.fromEntries(METHODS.map((name) => [name, () => {}]));

const CASES: Record<keyof SessionOptions, Case> = {
  store: {
    takes: [],
    refuses: [
      { get() {} },
      { get() {}, set() {} },
      { get() {}, set() {}, delete: true },
      HALF_A_STORE,
      { ...HALF_A_STORE, capabilities: null },
      { ...HALF_A_STORE, capabilities: [] },
      Object.fromEntries(METHODS.slice(1).map((name) => [name, () => {}])),
    ],
  },
  secret: {
    takes: ["a function"],
    refuses: ["x".repeat(31), "x".repeat(32), [SECRET, "short"], [SECRET, null], [[SECRET]]],
  },
  encoder: {
    takes: [],
    refuses: [{ encode() {} }, { decode() {} }, { encode: "x", decode: "x" }],
    with: { store: undefined, secret: SECRET },
  },
  maxAge: { takes: NUMBER },
  rolling: {
    takes: SWITCH,
    refuses: [{ every: 1 }, { after: 86400 }, { after: 60, throttle: 1 }],
  },
  absoluteMaxAge: { takes: NUMBER },
  rotate: { takes: [], refuses: [{ grace: 1 }, { every: 1, graze: 1 }] },
  cookieName: { takes: TEXT, refuses: ["a b", "a=b", "a;b", "a,b", "a\tb", "a\r\nb", "ä"] },
  cookieOptions: { takes: ["an object"], refuses: [{ Secure: true }, { expires: new Date() }] },
  existsCookieName: { takes: TEXT, refuses: ["a b", "a=b", "a;b", "sid", "sid.1", "sid.3"] },
  existsCookieOptions: { takes: ["an object"], refuses: [{ Secure: true }, { maxAge: 1 }] },
  device: {
    takes: [...SWITCH, "an object"],
    refuses: [{ age: 600 }, { refresh: true }],
    with: { secret: SECRET },
  },
  token: { takes: [], refuses: [{ secret: SECRET }, { ...TOKEN, ttl: 1 }] },
  adopt: {
    takes: [],
    refuses: [
      { ...ADOPT, until: undefined },
      { ...ADOPT, cookie: undefined },
      { ...ADOPT, read: undefined },
      { ...ADOPT, name: "old" },
    ],
  },
  initial: {
    takes: ["an object", "a function"],
    refuses: [
      (c: unknown) => ({ c }),
      new Map(),
      new Date(),
      { at: new Date() },
      { n: NaN },
      { n: 1n },
      { f() {} },
      {
        renew: 1,
      },
      { sid: "x" },
    ],
  },
  schema: {
    takes: [],
    refuses: [
      { "~standard": null },
      { "~standard": {} },
      { "~standard": { validate: true } },
      { validate() {} },
    ],
  },
  maxSessions: { takes: [], refuses: [{ policy: "reject" }, { limit: 1, most: 1 }] },
  revokeEverything: { takes: [...SWITCH, "an object"], refuses: [{ each: 5 }] },
  migrate: { takes: ANY_FUNCTION },
  scope: { takes: ["a function"], refuses: ["Host", "hostname", ["host"]] },
  persistent: { takes: SWITCH },
  allowOverwrite: { takes: SWITCH },
  commitOnError: { takes: SWITCH },
  onStoreError: { takes: [], refuses: ["Error", "ignore", ["error"]] },
  storeTimeout: { takes: NUMBER, refuses: [2_147_484] },
  cacheControl: { takes: SWITCH },
  contextKey: { takes: TEXT, refuses: ["req", "set", "var", "text", "__proto__", "toString"] },
  lazy: { takes: SWITCH },
  live: { takes: ["an object"], refuses: [{ each: 10 }] },
  events: { takes: ["an object"], refuses: [{ create() {} }, { created: true }] },
  logger: { takes: [], refuses: [{ error() {} }, { warn() {} }, { error: 1, warn: 1 }] },
  clock: { takes: ["a function"] },
};

/** The members of options that are objects, by their path. */
const MEMBERS: Record<
  | `adopt.${keyof AdoptOptions}`
  | `token.${keyof SessionTokenOptions}`
  | `rolling.${keyof Exclude<SessionOptions["rolling"], boolean | undefined>}`
  | `maxSessions.${keyof NonNullable<SessionOptions["maxSessions"]>}`
  | `revokeEverything.${keyof Exclude<SessionOptions["revokeEverything"], boolean | undefined>}`
  | `live.${keyof NonNullable<SessionOptions["live"]>}`
  | `rotate.${keyof NonNullable<SessionOptions["rotate"]>}`
  | `device.${keyof SessionDeviceOptions}`
  | `cookieOptions.${keyof SessionCookieOptions}`
  | `existsCookieOptions.${Exclude<keyof SessionCookieOptions, "httpOnly">}`
  | `events.${keyof SessionEvents}`
  | `logger.${keyof Logger}`,
  Case
> = {
  "adopt.cookie": { takes: TEXT, refuses: ["a b", "a=b", "a;b", "a\r\nb", "ä"] },
  "adopt.cookieOptions": {
    takes: ["an object"],
    refuses: [{ path: "app" }, { domain: "a; b" }, { secure: true }],
  },
  "adopt.until": {
    takes: [],
    refuses: [new Date(NaN), SOON.toISOString(), new Date(Date.now() + 401 * 86_400_000)],
  },
  "adopt.read": { takes: ANY_FUNCTION },
  "token.secret": { takes: ["a function"], refuses: ["x".repeat(32), [SECRET, "short"]] },
  "token.maxAge": { takes: NUMBER },
  "token.queryParam": { takes: [...TEXT, "false"], refuses: ["a b", "a=b", "ä"] },
  "token.header": { takes: TEXT, refuses: ["a b", "a:b", "X\r\nSet-Cookie", "ä", "Cookie"] },
  "token.audience": { takes: [...TEXT, "an empty text"] },
  "token.payload": { takes: ANY_FUNCTION },
  "maxSessions.limit": { takes: ["1"], refuses: [1.5, 2 ** 53] },
  "maxSessions.policy": { takes: [], refuses: ["evict", "Reject"] },
  "live.every": { takes: NUMBER.filter((name) => name !== "86400"), refuses: [50.1, 86400] },
  "revokeEverything.every": {
    takes: [...NUMBER.filter((name) => name !== "86400"), "0"],
    refuses: [50.1, 86400],
  },
  "rolling.after": { takes: NUMBER, refuses: [86400, 86401] },
  "rotate.every": { takes: [...NUMBER, "0"] },
  "rotate.grace": { takes: [...NUMBER, "0"], with: { rotate: { every: 60 } } },
  "rotate.remember": { takes: [...NUMBER, "0"], with: { rotate: { every: 60 } } },
  "device.path": {
    takes: [],
    refuses: ["device", "/", "/device/", "/a b", "/a?b", "//a", '/a"b'],
    with: { secret: SECRET },
  },
  "device.every": { takes: [], refuses: [299, 86_401], with: { secret: SECRET } },
  "device.initiators": {
    takes: ["an array", "an array of text"],
    refuses: [[1], ["https://app.test"], ["*.*"], ["a b"], [""]],
    with: { secret: SECRET },
  },
  "cookieOptions.domain": {
    takes: TEXT,
    refuses: ["a; b", "a\r\nb", "https://app.test", "app.test:8080", "app.test/", "a b"],
  },
  "cookieOptions.former": { takes: ["an array"], refuses: [[{}], [null], [{ path: "app" }]] },
  "cookieOptions.httpOnly": { takes: SWITCH },
  "cookieOptions.partitioned": { takes: SWITCH },
  "cookieOptions.path": { takes: [], refuses: ["/a; b", "/a\r\nb", "app"] },
  "cookieOptions.prefix": { takes: [], refuses: ["__Host-", "none"] },
  "cookieOptions.priority": { takes: [], refuses: ["High; Secure", "highest"] },
  "cookieOptions.sameSite": { takes: [], refuses: ["Lax; Domain=evil.example", "laxer"] },
  "cookieOptions.secure": { takes: SWITCH },
  "existsCookieOptions.domain": {
    takes: TEXT,
    refuses: ["a; b", "https://app.test"],
  },
  "existsCookieOptions.former": { takes: ["an array"], refuses: [[{}], [{ secure: true }]] },
  "existsCookieOptions.partitioned": { takes: SWITCH },
  "existsCookieOptions.path": { takes: [], refuses: ["/a; b", "app"] },
  "existsCookieOptions.prefix": { takes: [], refuses: ["__Host-"] },
  "existsCookieOptions.priority": { takes: [], refuses: ["highest"] },
  "existsCookieOptions.sameSite": { takes: [], refuses: ["laxer"] },
  "existsCookieOptions.secure": { takes: SWITCH },
  "events.created": { takes: ANY_FUNCTION },
  "events.loaded": { takes: ANY_FUNCTION },
  "events.updated": { takes: ANY_FUNCTION },
  "events.renewed": { takes: ANY_FUNCTION },
  "events.regenerated": { takes: ANY_FUNCTION },
  "events.rotated": { takes: ANY_FUNCTION },
  "events.bound": { takes: ANY_FUNCTION },
  "events.destroyed": { takes: ANY_FUNCTION },
  "events.rejected": { takes: ANY_FUNCTION },
  "events.conflict": { takes: ANY_FUNCTION },
  "events.interrupted": { takes: ANY_FUNCTION },
  "events.storeError": { takes: ANY_FUNCTION },
  "logger.error": { takes: ANY_FUNCTION },
  "logger.warn": { takes: ANY_FUNCTION },
};

/** What the other members of an object are. */
const OBJECTS: Record<string, Options> = {
  adopt: ADOPT,
  token: TOKEN,
  maxSessions: { limit: 1 },
  rotate: { every: 60 },
  logger: { error() {}, warn() {} },
};

function build(options: Options): void {
  session({ store: new MapStore(), logger: QUIET, ...options } as SessionOptions);
}

/** What is wrong with how options are refused; nothing when a message names the option. */
function complaint(options: Options, name: string): string | undefined {
  try {
    build(options);
    return "accepted";
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof RangeError)) return String(error);
    const { message } = error;
    const isOurs = message.startsWith("Cannot build session middleware: ");
    const isNamed = hasName(message, name) ||
      name.split(".").every((part) => hasName(message, part));
    return isOurs && isNamed ? undefined : message;
  }
}

/** Checks that an option, or a member of one, takes what it should and refuses everything else. */
function checkCase(name: string, { takes, refuses = [], with: needed = {} }: Case): void {
  const [option, member] = name.split(".") as [string, string?];
  const given = (value: unknown): Options => ({
    ...needed,
    ...(option === "existsCookieOptions" ? { existsCookieName: "sx" } : {}),
    [option]: member ? { ...OBJECTS[option], [member]: value } : value,
  });
  const misuse: unknown[] = [...refuses];
  for (const [text, value] of Object.entries(VALUES)) {
    if (takes.includes(text)) build(given(value));
    else misuse.push(value);
  }
  const complaints = misuse.map((value) => [value, complaint(given(value), name)] as const)
    .filter(([, found]) => found !== undefined)
    .map(([value, found]) => `${Deno.inspect(value)}: ${found}`);
  assertEquals(complaints, []);
}

Deno.test("session(): every option has its cases of misuse", () => {
  assertEquals(Object.keys(CASES).toSorted(), Object.keys(SHAPES).toSorted());
});

for (const name of Object.keys(SHAPES)) {
  Deno.test(`session() refuses misuse of ${name} when the middleware is built`, () => {
    checkCase(name, CASES[name as keyof SessionOptions]);
  });
}

for (const [name, each] of Object.entries(MEMBERS)) {
  Deno.test(`session() refuses misuse of ${name} when the middleware is built`, () => {
    checkCase(name, each);
  });
}

Deno.test("session() takes what the options say", () => {
  const all: Options[] = [
    {},
    { store: new Map() },
    { store: { get() {}, set() {}, delete() {} } },
    { secret: SECRET },
    { secret: [SECRET, SECRET + "!"] },
    { store: undefined, encoder: { encode: () => "", decode: () => ({}) }, secret: SECRET },
    { rolling: { after: 60 }, absoluteMaxAge: 3600, maxAge: 1800 },
    { rotate: { every: 0, grace: 0 } },
    { cookieName: "__Host-sid" },
    { cookieName: "__Secure-sid", cookieOptions: { domain: "app.test", path: "/app" } },
    { cookieOptions: { prefix: "host" } },
    { cookieOptions: { prefix: "secure", domain: ".app.test" } },
    { cookieOptions: { sameSite: "none", partitioned: true, priority: "High" } },
    { cookieOptions: { secure: false, sameSite: "strict", httpOnly: false } },
    { existsCookieName: "sx", existsCookieOptions: { domain: "app.test", secure: false } },
    { existsCookieName: "sid", cookieOptions: { prefix: "host" } },
    { token: TOKEN },
    { token: { ...TOKEN, secret: undefined }, secret: SECRET },
    { token: { ...TOKEN, queryParam: false, header: "X-Session" }, cookieName: false },
    { scope: "host" },
    { maxSessions: { limit: 1, policy: "reject" } },
    { onStoreError: "anonymous", storeTimeout: 0.1, lazy: true },
    { logger: console },
    { adopt: ADOPT },
    { adopt: { ...ADOPT, cookie: "__Host-old", until: new Date(0) } },
    { adopt: { ...ADOPT, cookie: "sid", cookieOptions: { domain: "app.test", path: "/app" } } },
    { secret: SECRET, device: true, cookieOptions: { prefix: "host" } },
    { secret: SECRET, device: { path: "/a/b", every: 300, initiators: ["*.app.test", "a.test"] } },
    Object.fromEntries(Object.keys(SHAPES).map((name) => [name, undefined])),
  ];
  for (const options of all) build(options);
});

/** What is written by those who come from elsewhere, and the way out that they are told. */
const WAYS_OUT: [options: Options, wayOut: string][] = [
  // Names of hono-kv-session.
  [{ name: "id" }, "there is no option name; use cookieName"],
  [{ ttl: 604800 }, "there is no option ttl; use maxAge, in seconds"],
  [{ renew: true }, "there is no option renew; use rolling: true"],
  [{ regenerate: true }, "there is no option regenerate; use rotate: { every: 0, grace: 0 }"],
  // Names of @brightcove/hono-sessions.
  [{ adapter: {} }, "use store: new DynamoDbStore({ … })"],
  [{ cookie: { name: "sid.bgs" } }, "use cookieName, maxAge and cookieOptions"],
  [{ token: { ...TOKEN, ttl: 60 } }, "there is no option token.ttl; use maxAge"],
  [{ cookieOptions: { maxAge: 60 } }, "see maxAge"],
  [{ cookieOptions: { name: "sid" } }, "use cookieName"],
  // Names of @hattip/session.
  [{ defaultSessionData: {} }, "use initial"],
  [{ getSessionId() {} }, "use token"],
  [{ setSessionId() {} }, "use token"],
  [{ hash() {} }, "leave it out"],
  [{ initial: async () => await {} }, "a synchronous function"],
  [{ initial: (c: unknown) => ({ c }) }, "without parameters"],
  // Names of hono-sessions on JSR.
  [{ encryptionKey: SECRET }, "use secret"],
  [{ expireAfterSeconds: 60 }, "use maxAge"],
  [{ sessionCookieName: "id" }, "use cookieName"],
  [{ autoExtendExpiration: true }, "use rolling: true"],
  // Options of stores.
  [{ getClient() {} }, "use store: new RedisStore({ client })"],
  [{ getStore() {} }, "use store: new CloudflareKvStore({ namespace })"],
  [{ keys: [] }, "new EncryptedCookieStore({ keys })"],
  [{ maxEntries: 1 }, "new MapStore({ maxEntries })"],
  [{ parse: JSON.parse }, "new UnsignedCookieStore({ parse })"],
  // Slips of the pen.
  [
    { cookieOptions: { Secure: true } },
    "there is no option cookieOptions.Secure; do you mean secure?",
  ],
  [{ cookieOptions: { sameSite: "laxer" } }, '"Strict", "Lax" or "None" is required'],
  [{ cookieOptions: { path: "app" } }, 'a path that begins with "/" is required'],
  [{ token: { secret: SECRET } }, "option token.maxAge is not valid: it is missing"],
  [{ maxage: 60 }, "do you mean maxAge?"],
  [{ cookieOption: {} }, "do you mean cookieOptions?"],
  [{ rotate: { ever: 0 } }, "there is no option rotate.ever; do you mean every?"],
  [{ rolling: { throttle: 60 } }, "there is no option rolling.throttle; there are after"],
  [{ maxSessions: { max: 1 } }, "there is no option maxSessions.max; there are limit, policy"],
  [{ events: { create() {} } }, "do you mean created?"],
  // What is taken for a store.
  [{ store: MapStore }, "new MapStore()"],
  [{ store: Promise.resolve(new MapStore()) }, "it is a promise, await it"],
  [{ store: methods("get", "set", "delete", "atomic", "getMany") }, "new DenoKvStore({ kv })"],
  [{ store: methods("get", "put", "delete") }, "new CloudflareKvStore({ namespace })"],
  [{ store: { prepare() {}, batch() {}, exec() {} } }, "new D1Store({ database })"],
  [{ store: { prepare() {}, exec() {} } }, "new SqliteStore({ db })"],
  [{ store: { query() {}, connect() {}, end() {} } }, "new PostgresStore({ sql })"],
  [{ table: "sessions" }, "new PostgresStore({ table })"],
  [{ store: methods("idFromName", "get") }, "new DurableObjectStore({ namespace })"],
  [{ shards: 4 }, "new DurableObjectStore({ shards })"],
  [{ store: createClient() }, "new RedisStore({ client })"],
  [
    { store: methods("get", "put", "update", "delete", "batchGet") },
    "new DynamoDbStore({ document",
  ],
  [{ store: new SimpleCookieStore() }, "use new UnsignedCookieStore({ parse })"],
  [{ store: new UnsafeMemorySessionStore() }, "use new MapStore()"],
  [{ store: methods("load", "save", "destroy") }, "a store of @hattip/session"],
  [{ store: new MemoryStore() }, "use new MapStore()"],
  [{ store: methods("get", "set", "destroy") }, "a store of express-session"],
  [
    { store: methods("get", "set", "delete", "defaultKeyFn") },
    "a store of @brightcove/hono-sessions",
  ],
  [
    { store: { ...methods("get", "delete"), set(_1: 1, _2: 2, _3: 3, _4: 4) {} } },
    "more parameters",
  ],
];

function methods(...names: string[]): Options {
  return Object.fromEntries(names.map((name) => [name, () => {}]));
}

Deno.test("session() tells the way out of what is written for something else", () => {
  for (const [options, wayOut] of WAYS_OUT) {
    const { message } = assertThrows(
      () => build(options),
      TypeError,
      "Cannot build session middleware: ",
    );
    assert(message.includes(wayOut), message);
  }
});

/** Options that contradict each other, and the one that the message names. */
const CONTRADICTIONS: [contradiction: string, options: Options, name: string][] = [
  ["an unknown option", { maxage: 60 }, "maxage"],
  [
    "__Host- with a domain",
    { cookieName: "__Host-sid", cookieOptions: { domain: "app.test" } },
    "cookieName",
  ],
  [
    "__Host- with a path",
    { cookieName: "__Host-sid", cookieOptions: { path: "/app" } },
    "cookieName",
  ],
  [
    "__Host- without secure",
    { cookieName: "__Host-sid", cookieOptions: { secure: false } },
    "cookieName",
  ],
  ["__Secure- without secure", {
    cookieName: "__Secure-sid",
    cookieOptions: { secure: false },
  }, "cookieName"],
  // Browsers look at prefixes without regard to case (RFC 6265bis, 5.7).
  ["__host- with a domain", {
    cookieName: "__host-sid",
    cookieOptions: { domain: "app.test" },
  }, "cookieName"],
  ["__secure- without secure", {
    cookieName: "__secure-sid",
    cookieOptions: { secure: false },
  }, "cookieName"],
  ["prefix host with a domain", {
    cookieOptions: { prefix: "host", domain: "app.test" },
  }, "cookieOptions"],
  ["prefix host with a path", { cookieOptions: { prefix: "host", path: "/app" } }, "cookieOptions"],
  ["prefix host without secure", {
    cookieOptions: { prefix: "host", secure: false },
  }, "cookieOptions"],
  ["prefix secure without secure", {
    cookieOptions: { prefix: "secure", secure: false },
  }, "cookieOptions"],
  ["a prefix before a prefix", {
    cookieName: "__Host-sid",
    cookieOptions: { prefix: "host" },
  }, "cookieOptions.prefix"],
  ["partitioned without secure", {
    cookieOptions: { partitioned: true, secure: false },
  }, "cookieOptions"],
  ["sameSite None without secure", {
    cookieOptions: { sameSite: "None", secure: false },
  }, "cookieOptions.sameSite"],
  ["sameSite none without secure", {
    cookieOptions: { sameSite: "none", secure: false },
  }, "cookieOptions.sameSite"],
  ["maxAge of the cookie", { cookieOptions: { maxAge: 60 } }, "cookieOptions.maxAge"],
  ["expires of the cookie", { cookieOptions: { expires: new Date() } }, "cookieOptions.expires"],
  ["the same of the second cookie", {
    existsCookieName: "__Host-sx",
    existsCookieOptions: { domain: "app.test" },
  }, "existsCookieName"],
  ["sameSite None of the second cookie without secure", {
    existsCookieName: "sx",
    existsCookieOptions: { sameSite: "None", secure: false },
  }, "existsCookieOptions.sameSite"],
  ["existsCookieOptions without existsCookieName", {
    existsCookieOptions: { path: "/" },
  }, "existsCookieOptions"],
  ["the name of the cookie for the second one", {
    cookieName: "id",
    existsCookieName: "id",
  }, "existsCookieName"],
  ["the name of the cookie with its prefix for the second one", {
    cookieOptions: { prefix: "secure" },
    existsCookieName: "__Secure-sid",
  }, "existsCookieName"],
  ["the same by another way", {
    cookieOptions: { prefix: "secure" },
    existsCookieName: "sid",
    existsCookieOptions: { prefix: "secure" },
  }, "existsCookieName"],
  ["the name of a chunk for the second one", {
    store: new EncryptedCookieStore({ secret: SECRET, chunks: 4 }),
    existsCookieName: "sid.2",
  }, "existsCookieName"],
  ["no cookie and no token", { cookieName: false }, "cookieName"],
  [
    "how long no cookie lives",
    { cookieName: false, token: TOKEN, persistent: false },
    "persistent",
  ],
  ["no cookie and no token, with a cookie store", {
    cookieName: false,
    store: new SealedCookieStore({ secret: SECRET }),
  }, "cookieName"],
  ["no cookie, and its attributes", {
    cookieName: false,
    token: TOKEN,
    cookieOptions: { path: "/" },
  }, "cookieOptions"],
  ["no cookie, and a second one", {
    cookieName: false,
    token: TOKEN,
    existsCookieName: "sx",
  }, "existsCookieName"],
  ["no cookie, and a second one without a name", {
    cookieName: false,
    token: TOKEN,
    existsCookieName: "",
  }, "existsCookieName"],
  ["no cookie, and attributes of a second one", {
    cookieName: false,
    token: TOKEN,
    existsCookieOptions: { path: "/" },
  }, "existsCookieOptions"],
  ["a secret that signs nothing and is no good", {
    cookieName: false,
    token: TOKEN,
    secret: "short",
  }, "secret"],
  ["no cookie, and sessions that are adopted", {
    cookieName: false,
    token: TOKEN,
    adopt: ADOPT,
  }, "adopt"],
  ["a cookie to adopt that browsers refuse", {
    adopt: { ...ADOPT, cookie: "__Host-old", cookieOptions: { domain: "app.test" } },
  }, "adopt.cookie"],
  ["token without a secret", { token: { maxAge: 60 } }, "token.secret"],
  ["token with rotate", { token: TOKEN, rotate: { every: 60 } }, "rotate"],
  ["token in the header of cookies", { token: { ...TOKEN, header: "cookie" } }, "token.header"],
  ["maxSessions with a store without an index", {
    maxSessions: { limit: 1 },
    store: new Map(),
  }, "maxSessions"],
  ["rotate with a store that is not atomic", {
    rotate: { every: 60 },
    store: { get() {}, set() {}, delete() {} },
  }, "rotate"],
  ["secret of the middleware with a cookie store", {
    secret: SECRET,
    store: new SealedCookieStore({ secret: SECRET }),
  }, "secret"],
  ["encoder with a store", { encoder: { encode: () => "", decode: () => ({}) } }, "encoder"],
  ["rolling.after as long as the life", { rolling: { after: 60 }, maxAge: 60 }, "rolling.after"],
  ["rolling.after longer than the default life", { rolling: { after: 86400 } }, "rolling.after"],
  ...Object.entries(COOKIE_STORES).flatMap(([name, make]): typeof CONTRADICTIONS => [
    [`token with a ${name}`, { token: TOKEN, store: make() }, "token"],
    [`maxSessions with a ${name}`, { maxSessions: { limit: 1 }, store: make() }, "maxSessions"],
    [
      `revokeEverything with a ${name}`,
      { revokeEverything: true, store: make() },
      "revokeEverything",
    ],
    [`rotate with a ${name}`, { rotate: { every: 60 }, store: make() }, "rotate"],
  ]),
];

for (const [contradiction, options, name] of CONTRADICTIONS) {
  Deno.test(`session() refuses contradicting options by name: ${contradiction}`, () => {
    assertEquals(complaint(options, name), undefined);
  });
}

Deno.test("session() refuses what are no options", () => {
  for (const options of [null, 1, "host", true, [], [{}], () => ({})]) {
    assertThrows(
      () => session(options as never),
      TypeError,
      "Cannot build session middleware: options are not an object",
    );
  }
});

Deno.test("session() refuses every name that Hono's context has for itself", async () => {
  const names = new Set<string>();
  const app = new Hono().get("/", (c) => {
    for (let object: object = c; object !== Object.prototype;) {
      for (const name of Object.getOwnPropertyNames(object)) names.add(name);
      object = Object.getPrototypeOf(object);
    }
    return c.text("");
  });
  await app.request("/");
  assert(names.has("req") && names.has("redirect"));
  for (const contextKey of names) {
    assertEquals(complaint({ contextKey }, "contextKey"), undefined, contextKey);
  }
});

Deno.test("session() refuses weak secrets without telling them", () => {
  const all: Options[] = [
    { secret: "hunter2" },
    { secret: [SECRET, "hunter2"] },
    { token: { ...TOKEN, secret: "hunter2" } },
    { token: { ...TOKEN, secret: [SECRET, "hunter2"] } },
    { token: { maxAge: 60 }, secret: "hunter2" },
    { store: undefined, encoder: { encode: () => "", decode: () => ({}) }, secret: "hunter2" },
  ];
  for (const options of all) {
    const { message } = assertThrows(() => build(options), RangeError, "7 characters");
    assertMatch(message, /\bsecret\b/);
    assertEquals(message.includes("hunter2"), false);
  }
  assertThrows(() => build({ secret: "x".repeat(32) }), RangeError, "repeats one character");
  assertThrows(() => build({ secret: [] }), TypeError, "empty");
  assertThrows(
    () => build({ secret: 42 }),
    TypeError,
    "secret is neither a string nor a list of strings",
  );
});

Deno.test("session() says what is wrong with initial data", () => {
  const at = assertThrows(() => build({ initial: { at: [new Date()] } }), Error);
  assert(at.message.includes("initial.at[0] is a Date"), at.message);
});

Deno.test("the defaults are the safe ones", () => {
  const store = new MapStore();
  const checked = checkOptions({ store });
  const {
    transport: _,
    logger,
    clock: __,
    instant: ___,
    initial,
    options,
    ...rest
  } = checked;
  assertEquals(options.store, store);
  assertEquals([logger, initial()], [console, "{}"]);
  assertEquals(rest, {
    store,
    cookieName: "sid",
    bearer: undefined,
    issue: undefined,
    signer: undefined,
    device: undefined,
    limit: undefined,
    scope: undefined,
    readData: undefined,
    expiry: {
      maxAge: 86400,
      absoluteMaxAge: undefined,
      rolling: false,
      onServer: true,
      persistent: true,
    },
    rotation: undefined,
    allowOverwrite: true,
    adopt: undefined,
    commitOnError: false,
    onStoreError: "error",
    liveEvery: 10_000,
    revokeEverythingEvery: undefined,
    storeTimeout: 5000,
    cacheControl: true,
    vary: "Cookie",
    contextKey: "session",
    lazy: false,
    events: {},
  });
});

Deno.test("session() names the function that gives a promise where a value is needed, at the first request", async () => {
  const later = () => Promise.resolve({}) as never;
  for (
    const [options, message] of [
      [{ initial: later }, "option initial is not valid: its function returns a promise"],
      [{ scope: later }, "scope returned a promise instead of a name"],
      [{ secret: later }, "secret returned a promise"],
    ] satisfies [SessionOptions, string][]
  ) {
    const errors: string[] = [];
    const app = new Hono()
      .use(session<{ a?: number }>({ store: new MapStore(), logger: QUIET, ...options }))
      .get("/", (c) => {
        c.var.session.a = 1;
        return c.text("ok");
      })
      .onError((error, c) => {
        errors.push(error.message);
        return c.text("", 500);
      });
    assertEquals((await app.request("/")).status, 500);
    assert(errors[0]?.includes(message), errors[0]);
  }
});
