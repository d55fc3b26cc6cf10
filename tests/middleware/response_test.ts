import { session, startSession } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { type Context, Hono } from "hono";
import { etag } from "hono/etag";

interface Data {
  count?: number;
}

type Make = (c: Context) => Response | Promise<Response>;

/** Answers that an application may keep, and send again to somebody else. */
const KEPT: Record<string, Make> = {
  "c.text()": (c) => c.text("text"),
  "c.json()": (c) => c.json({ a: 1 }),
  "c.json() of nothing": (c) => c.json({ toJSON: () => undefined } as object),
  "c.html()": (c) => c.html("<p>text</p>"),
  "c.html() of a promise": (c) => c.html(Promise.resolve("<p>text</p>")),
  "c.body() of a text": (c) => c.body("text"),
  "c.body() of bytes": (c) => c.body(new Uint8Array(1)),
  "c.body() of a stream": (c) => c.body(new Blob(["text"]).stream()),
  "c.body(null)": (c) => c.body(null, 204),
  "c.redirect()": (c) => c.redirect("/"),
  "c.newResponse(null)": (c) => c.newResponse(null),
  "a Response": () => new Response("text"),
  "a Response without a body": () => new Response(null, { status: 204 }),
};

for (const [name, make] of Object.entries(KEPT)) {
  for (const method of ["GET", "HEAD"]) {
    Deno.test(`the answer to ${method} gets the cookie, and what the handler has made stays as it is: ${name}`, async () => {
      let made: Response | undefined;
      const app = new Hono()
        .use(session<Data>({ store: new MapStore() }))
        .get("/", async (c) => {
          c.var.session.count = 1;
          return made = await make(c);
        });
      const { headers } = await app.request("/", { method });
      assertEquals([headers.getSetCookie().length, headers.get("cache-control")], [1, "no-store"]);
      assertEquals(made!.headers.getSetCookie(), []);
      assertEquals([made!.headers.get("vary"), made!.headers.get("cache-control")], [null, null]);
    });
  }
}

Deno.test("a page that the application keeps brings nobody the cookie of a user who was answered with 304", async () => {
  let page: Response | undefined;
  const app = new Hono()
    .use(etag())
    .use(session<Data>({ store: new MapStore() }))
    .get("/", (c) => {
      if (c.req.query("login")) c.var.session.count = 1;
      return page ??= c.text("page");
    });
  const headers = { "if-none-match": "*" };
  assertEquals((await app.request("/?login=1", { headers })).status, 304);
  const visit = await app.request("/");
  assertEquals([await visit.text(), visit.headers.getSetCookie()], ["page", []]);
});

Deno.test("a response whose type was removed has none where it gets the cookie either", async () => {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .use("/inside", async (c, next) => {
      await next();
      c.res.headers.delete("content-type");
    })
    .get("/inside", (c) => {
      c.var.session.count = 1;
      return c.html("<p>text</p>");
    })
    .get("/handler", (c) => {
      c.var.session.count = 1;
      const response = c.body("text");
      response.headers.delete("content-type");
      return response;
    });
  for (const path of ["/inside", "/handler"]) {
    const { headers } = await app.request(path);
    assertEquals([headers.getSetCookie().length, headers.get("content-type")], [1, null]);
  }
});

Deno.test("a cache behind the session sees that a response is private while its session is being started", async () => {
  const records = new Map<string, unknown>();
  const store = {
    get: (key: string) => Promise.resolve(records.get(key)),
    set: (key: string, record: unknown) => Promise.resolve(records.set(key, record)),
    delete: (key: string) => Promise.resolve(records.delete(key)),
  };
  let seen: string | null = null;
  const app = new Hono()
    .use(session<Data>({ store }))
    .use(async (c, next) => {
      await next();
      seen = c.res.headers.get("cache-control");
    })
    .get("/", (c) => {
      startSession(c);
      return c.text("welcome");
    });
  const { headers } = await app.request("/");
  assertEquals([headers.getSetCookie().length, seen], [1, "private"]);
});
