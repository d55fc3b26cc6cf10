import { session, type SessionOptions } from "@x/hono-session";
import { SealedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals, assertThrows } from "@std/assert";
import { checkOptions } from "../src/check_options.ts";

function refused(
  options: Record<string, unknown>,
  kind: typeof TypeError | typeof RangeError,
  text: string,
) {
  const given = { store: new MapStore(), ...options } as SessionOptions;
  assertThrows(() => session(given), kind, text);
}

Deno.test("session() refuses every misuse when the middleware is built, by the option's name", () => {
  refused({ maxage: 1 }, TypeError, "option maxage");
  for (const name of ["maxAge", "absoluteMaxAge", "storeTimeout"]) {
    for (const value of [0, -1, NaN, Infinity]) {
      refused({ [name]: value }, RangeError, `option ${name}`);
    }
    for (const value of ["60", null, {}]) refused({ [name]: value }, TypeError, `option ${name}`);
  }
  for (const name of ["allowOverwrite", "commitOnError", "cacheControl"]) {
    refused({ [name]: "yes" }, TypeError, `option ${name}`);
  }
  for (const name of ["cookieOptions", "events", "logger"]) {
    for (const value of [null, 1, "x", []]) refused({ [name]: value }, TypeError, `option ${name}`);
  }
  refused({ clock: 1 }, TypeError, "option clock");
  refused({ rolling: { after: 0 } }, RangeError, "option rolling.after");
  refused({ rolling: {} }, TypeError, "option rolling.after");
  refused({ rolling: { after: 60 }, maxAge: 60 }, RangeError, "option rolling.after");
  refused({ rolling: "yes" }, TypeError, "option rolling");
  refused({ onStoreError: "ignore" }, TypeError, "option onStoreError");
  for (const contextKey of ["req", "set", "var", ""]) {
    refused({ contextKey }, TypeError, "option contextKey");
  }
  for (const store of [{}, { get() {} }, null, "redis"]) {
    refused({ store }, TypeError, "option store");
  }
  for (const initial of [1, "x", []]) refused({ initial }, TypeError, "option initial");
});

Deno.test("session() refuses weak secrets without telling them", () => {
  for (const secret of ["hunter2", ["a secret of thirty-two characters or more", "hunter2"]]) {
    const error = assertThrows(
      () => session({ store: new MapStore(), secret }),
      RangeError,
      "7 characters",
    );
    assertEquals(error.message.includes("hunter2"), false);
  }
  refused({ secret: "x".repeat(32) }, RangeError, "one character over and over");
  refused({ secret: [] }, TypeError, "the list of secrets is empty");
  refused({ secret: 42 }, TypeError, "secret is no string");
  const encoder = { encode: () => "", decode: () => ({}) };
  refused({ encoder }, TypeError, "option encoder");
  const store = new SealedCookieStore({ secret: "a secret of thirty-two characters or more" });
  refused(
    { store, secret: "a secret of thirty-two characters or more" },
    TypeError,
    "option secret",
  );
});

Deno.test("session() refuses cookies that browsers refuse and attributes that inject others", () => {
  const cases: Record<string, unknown>[] = [
    { cookieName: "" },
    { cookieName: "a b" },
    { cookieName: "a=b" },
    { cookieName: "a;b" },
    { cookieName: "__Host-sid", cookieOptions: { domain: "example.com" } },
    { cookieName: "__Host-sid", cookieOptions: { path: "/app" } },
    { cookieName: "__Host-sid", cookieOptions: { secure: false } },
    { cookieName: "__Secure-sid", cookieOptions: { secure: false } },
    { cookieOptions: { prefix: "host", domain: "example.com" } },
    { cookieOptions: { prefix: "secure", secure: false } },
    { cookieOptions: { partitioned: true, secure: false } },
    { cookieOptions: { sameSite: "None", secure: false } },
    { cookieOptions: { domain: "example.com; HttpOnly=0" } },
    { cookieOptions: { path: "/\r\nSet-Cookie: a=b" } },
    { cookieOptions: { sameSite: "Lax; Domain=evil.example" } },
    { cookieOptions: { priority: "High; Secure" } },
    { cookieOptions: { maxAge: 60 } },
    { cookieOptions: { expires: new Date() } },
  ];
  for (const options of cases) refused(options, TypeError, "cookie");
});

Deno.test("session() refuses initial data that could not be stored", () => {
  assertThrows(
    () => session({ store: new MapStore(), initial: { at: new Date() } }),
    Error,
    "initial.at is a Date",
  );
  assertThrows(
    () => session({ store: new MapStore(), initial: { renew: 1 } }),
    TypeError,
    "session.renew",
  );
});

Deno.test("the defaults are the safe ones", () => {
  const store = new MapStore();
  const { transport: _, logger, clock: __, initial, ...rest } = checkOptions({ store });
  assertEquals([logger, initial()], [console, "{}"]);
  assertEquals(rest, {
    store,
    origin: store,
    cookieName: "sid",
    bearer: undefined,
    issue: undefined,
    signer: undefined,
    scope: undefined,
    readData: undefined,
    expiry: { maxAge: 86400, absoluteMaxAge: undefined, rolling: false },
    rotation: undefined,
    allowOverwrite: true,
    commitOnError: false,
    onStoreError: "error",
    storeTimeout: 5000,
    cacheControl: true,
    contextKey: "session",
    lazy: false,
    events: {},
  });
});
