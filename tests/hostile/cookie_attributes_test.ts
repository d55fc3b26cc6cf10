import { session, type SessionCookieOptions, type SessionOptions } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { setCookies } from "./_app.ts";

/** What would make two of a text in a header, or another header. */
const PAYLOADS = [
  "; HttpOnly",
  ";Domain=evil.test",
  "; Max-Age=1; Path=/other",
  ";",
  "\r\nSet-Cookie: evil=1",
  "\rSet-Cookie: evil=1",
  "\nSet-Cookie: evil=1",
  "\0",
  "\x7f",
  "\u2028",
  "\u010a",
  "ö",
];

/** A value of each text that goes into a header, which is fine without a payload. */
const PLACES: Record<string, [fine: string, options: (text: string) => SessionOptions]> = {
  cookieName: ["sid", (text) => ({ cookieName: text })],
  existsCookieName: ["exists", (text) => ({ existsCookieName: text })],
};
const ATTRIBUTES: Record<string, string> = {
  domain: "app.test",
  path: "/app",
  sameSite: "Strict",
  priority: "High",
  prefix: "secure",
};
for (const [name, fine] of Object.entries(ATTRIBUTES)) {
  const attribute = (text: string) => ({ [name]: text }) as SessionCookieOptions;
  PLACES[`cookieOptions.${name}`] = [fine, (text) => ({ cookieOptions: attribute(text) })];
  PLACES[`existsCookieOptions.${name}`] = [fine, (text) => ({
    existsCookieName: "exists",
    existsCookieOptions: attribute(text),
  })];
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

Deno.test("cookies: nothing can be injected over a name or an attribute (CVE-2026-47675, GHSA-5pq2-9x2x-5p6w)", () => {
  const store = new MapStore();
  for (const [place, [fine, options]] of Object.entries(PLACES)) {
    session({ store, ...options(fine) });
    for (const payload of PAYLOADS) {
      for (const text of [fine + payload, payload + fine, payload]) {
        const error = errorOf(() => session({ store, ...options(text) }));
        const name = `${place}: ${JSON.stringify(text)}`;
        assert(error instanceof TypeError, name);
        assert(error.message.startsWith("Cannot build session middleware: "), name);
      }
    }
  }
});

Deno.test("cookies: options that hide behind getters, prototypes and objects that are texts change nothing later", async () => {
  let path = "/";
  const inherited = Object.create({ domain: "evil.test" }) as SessionCookieOptions;
  const changing = {
    get path() {
      return path;
    },
  };
  const text = { toString: () => "/", toLowerCase: () => "lax", test: () => true };
  for (const name of ["path", "domain", "sameSite", "priority"]) {
    const cookieOptions = { [name]: text } as SessionCookieOptions;
    assertThrows(() => session({ store: new MapStore(), cookieOptions }), TypeError);
  }
  for (const cookieOptions of [inherited, changing]) {
    path = "/";
    const app = new Hono().use(session<{ a?: number }>({ store: new MapStore(), cookieOptions }));
    path = "/; Domain=evil.test";
    app.get("/", (c) => {
      c.var.session.a = 1;
      return c.text("set");
    });
    const [cookie] = setCookies(await app.request("/"));
    assertEquals(
      cookie?.replace(/^sid=[\w-]{43}/, ""),
      "; Max-Age=86400; Path=/; HttpOnly; Secure; SameSite=Lax",
    );
  }
});
