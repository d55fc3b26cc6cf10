import { getSession, session, startSession } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";

interface Data {
  name?: string;
}

/** What a handler says, and what becomes of it with a session that is read and with one that is sent. */
const MERGED: [vary: string | undefined, control: string | undefined, string, string][] = [
  [undefined, undefined, "Cookie", "private"],
  ["cookie", "PRIVATE", "cookie", "PRIVATE"],
  [" Accept ,  COOKIE ", "no-store", "Accept ,  COOKIE", "no-store"],
  ["*", "no-cache", "*", "no-cache, private"],
  ["accept, *", "max-age=5", "accept, *", "max-age=5, private"],
  ["Cookies, X-Cookie", "Public , S-MAXAGE=5", "Cookies, X-Cookie, Cookie", "private"],
  [",,", "public,max-age=5,s-maxage=5", "Cookie", "max-age=5, private"],
  [
    "accept",
    ' s-maxage = 5 , private="set-cookie, x" , public=1',
    "accept, Cookie",
    'private="set-cookie, x", private',
  ],
  ["accept", "must-understand, no-store", "accept, Cookie", "must-understand, no-store"],
];

Deno.test("shared caches: Vary and Cache-Control are merged whatever their case and spaces, and * stays (CVE-2026-6907, CVE-2026-48587, CVE-2026-8404)", async () => {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .get("/login", (c) => {
      c.var.session.name = "Adalbert";
      return c.text("welcome");
    })
    .get("/:row/:what", (c) => {
      const [vary, control] = MERGED[Number(c.req.param("row"))]!;
      if (c.req.param("what") === "write") c.var.session.name += "!";
      if (c.req.param("what") === "renew") c.var.session.renew();
      if (vary !== undefined) c.header("vary", vary);
      if (control !== undefined) c.header("cache-control", control);
      return c.text("page");
    });
  const client = new Client(app);
  await client.text("/login");
  for (const [row, [, , vary, control]] of MERGED.entries()) {
    for (const what of ["read", "write", "renew"]) {
      const response = await client.fetch(`/${row}/${what}`);
      await response.body?.cancel();
      const sent = response.headers.getSetCookie().length === 1;
      assertEquals(sent, what === "renew");
      assertEquals(
        [response.headers.get("vary"), response.headers.get("cache-control")],
        [vary, sent ? "no-store" : control],
        `row ${row}, ${what}`,
      );
    }
  }
});

/** Ways to learn something of a session without reading a value. */
const LOOKS: Record<string, (session: object) => unknown> = {
  nothing: () => undefined,
  in: (session) => "name" in session,
  keys: (session) => Object.keys(session).length,
  "for in": (session) => {
    const keys = [];
    for (const key in session) keys.push(key);
    return keys;
  },
  hasOwn: (session) => Object.hasOwn(session, "name"),
  stringify: (session) => JSON.stringify(session),
  spread: (session) => ({ ...session }),
  isNew: (session) => Reflect.get(session, "isNew"),
  sid: (session) => Reflect.get(session, "sid"),
  inspect: (session) => Deno.inspect(session),
};

Deno.test("shared caches: every way to look at a session marks the response, lazy or not (CVE-2026-27205)", async () => {
  for (const lazy of [false, true]) {
    for (const [how, look] of Object.entries(LOOKS)) {
      const app = new Hono()
        .use(session<Data>({ store: new MapStore(), lazy }))
        .get("/login", async (c) => {
          await startSession(c, { name: "Adalbert" });
          return c.text("welcome");
        })
        .get("/", async (c) => {
          const session = await getSession(c);
          c.header("cache-control", "public, max-age=600");
          return c.json(look(session!) ?? null);
        });
      const client = new Client(app);
      await client.text("/login");
      const { headers, body } = await client.fetch("/");
      await body?.cancel();
      assertEquals(
        [headers.get("vary"), headers.get("cache-control")],
        ["Cookie", "max-age=600, private"],
        how,
      );
    }
  }
});

Deno.test("shared caches: a targeted field of a handler does not win over the session's marks (RFC 9213)", async () => {
  const said = {
    "CDN-Cache-Control": "public, max-age=600",
    "Cloudflare-CDN-Cache-Control": "max-age=600",
    "Surrogate-Control": "max-age=600",
    "X-Accel-Expires": "600",
  };
  for (const lazy of [false, true]) {
    const app = new Hono()
      .use(session<Data>({ store: new MapStore(), lazy }))
      .get("/login", async (c) => {
        await startSession(c, { name: "Adalbert" });
        return c.text("welcome", 200, said);
      })
      .get("/text", async (c) => c.text((await getSession<Data>(c)).name ?? "nobody", 200, said))
      .get("/response", async (c) => {
        return new Response((await getSession<Data>(c)).name ?? "nobody", { headers: said });
      });
    const client = new Client(app);
    const wordsOf = async (path: string, client: Client) => {
      const { headers, body } = await client.fetch(path);
      await body?.cancel();
      return Object.keys(said).map((name) => headers.get(name));
    };
    assertEquals(await wordsOf("/login", client), ["no-store", "no-store", "no-store", "0"]);
    for (const path of ["/text", "/response"]) {
      assertEquals(await wordsOf(path, client), [
        "max-age=600, private",
        "max-age=600, private",
        "no-store",
        "0",
      ]);
      assertEquals(await wordsOf(path, new Client(app)), Object.values(said));
    }
  }
});
