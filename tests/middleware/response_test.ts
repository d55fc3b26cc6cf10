import { session, type SessionEnv } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { type Context, Hono } from "hono";

interface Data {
  count?: number;
}

type Make = (c: Context) => Response | Promise<Response>;

/** Answers that are sent only once: Hono makes them for the request, with a body. */
const SENT_ONCE: Record<string, Make> = {
  "c.text()": (c) => c.text("text"),
  "c.json() of an object": (c) => c.json({ a: 1 }),
  "c.json() of a text": (c) => c.json("text"),
  "c.json() of a session": (c) => c.json(c.get("session")),
  "c.html()": (c) => c.html("<p>text</p>"),
  "c.html() of a promise": (c) => c.html(Promise.resolve("<p>text</p>")),
  "c.body() of a text": (c) => c.body("text"),
  "c.body() of bytes": (c) => c.body(new Uint8Array(1)),
  "c.body() of a stream": (c) => c.body(new Blob(["text"]).stream()),
};

/** Answers that an application may send again to somebody else. */
const KEPT: Record<string, Make> = {
  "a Response": () => new Response("text"),
  "a Response without a body": () => new Response(null, { status: 204 }),
  "c.body(null)": (c) => c.body(null, 204),
  "c.redirect()": (c) => c.redirect("/"),
  "c.newResponse(null)": (c) => c.newResponse(null),
  "c.json() of nothing": (c) => c.json({ toJSON: () => undefined } as object),
};

/** Answers a request that begins a session. Returns the answer, and what the handler has made. */
async function login(make: Make, method = "GET"): Promise<{ response: Response; made: Response }> {
  let made: Response | undefined;
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .get("/", async (c) => {
      c.var.session.count = 1;
      return made = await make(c);
    });
  const response = await app.request("/", { method });
  assertEquals(response.headers.getSetCookie().length, 1);
  assertEquals(response.headers.get("cache-control"), "no-store");
  return { response, made: made! };
}

for (const [name, make] of Object.entries(SENT_ONCE)) {
  Deno.test(`the cookie goes onto the answer that Hono has made, which is no copy: ${name}`, async () => {
    const { response, made } = await login(make);
    assert(response === made);
    assert((await response.text()).length > 0);
  });

  Deno.test(`an answer to HEAD, whose body is not sent, stays as it is: ${name}`, async () => {
    const { made } = await login(make, "HEAD");
    assertEquals(made.headers.getSetCookie(), []);
  });
}

for (const [name, make] of Object.entries(KEPT)) {
  Deno.test(`an answer that may be sent again stays as it is: ${name}`, async () => {
    const { made } = await login(make);
    assertEquals(made.headers.getSetCookie(), []);
    assertEquals([made.headers.get("vary"), made.headers.get("cache-control")], [null, null]);
  });
}

Deno.test("a handler that throws before it gives a promise is committed like any other that fails", async () => {
  const middleware = session<Data>({ store: new MapStore() });
  const app = new Hono<SessionEnv<Data>>()
    .get("/begin", middleware, (c) => {
      c.var.session.count = 1;
      return c.text("begun");
    })
    .get("/end", (c) =>
      middleware(c, () => {
        c.get("session").destroy();
        throw new Error("no promise");
      }))
    .get("/read", middleware, (c) => c.json(c.var.session))
    .onError((_error, c) => c.text("failed", 500));
  const login = await app.request("/begin");
  const headers = { cookie: login.headers.getSetCookie()[0]!.split(";")[0]! };
  assertEquals((await app.request("/end", { headers })).status, 500);
  assertEquals(await (await app.request("/read", { headers })).json(), {});
});

Deno.test("an answer of an adapter's own class, which can be sent again, stays as it is", async () => {
  const { Response } = globalThis;
  globalThis.Response = class extends Response {};
  try {
    for (const [name, make] of Object.entries(SENT_ONCE)) {
      const { made, response } = await login(make);
      assertEquals(made.headers.getSetCookie(), [], name);
      assert((await response.text()).length > 0, name);
    }
  } finally {
    globalThis.Response = Response;
  }
});
