import { getSession, session, type SessionOptions, startSession } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { cache } from "hono/cache";
import { every, some } from "hono/combine";
import { html } from "hono/html";
import { stream, streamText } from "hono/streaming";
import { Client } from "../_support/client.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { QUIET } from "./_app.ts";

interface Data {
  name?: string;
}

type Env = { Variables: { session: Data } };
type C = Context<Env>;
type Handler = (c: C) => Response | Promise<Response>;
type App = Hono<Env>;

const PUBLIC = { "cache-control": "public, max-age=600" };

const pageOf = async (c: C) => `page of ${(await getSession<Data>(c)).name ?? "nobody"}`;

/** Every kind of response that a handler answers with. */
const KINDS: Record<string, Handler> = {
  "c.text()": async (c) => c.text(await pageOf(c)),
  "c.text() with headers": async (c) => c.text(await pageOf(c), 200, PUBLIC),
  "c.json()": async (c) => c.json(await pageOf(c)),
  "c.html()": async (c) => c.html(await pageOf(c)),
  "c.html() later": async (c) => c.html(html`${Promise.resolve(await pageOf(c))}`),
  "c.body()": async (c) => c.body(await pageOf(c)),
  "c.newResponse()": async (c) => c.newResponse(await pageOf(c), { headers: PUBLIC }),
  "c.render()": async (c) => c.render(await pageOf(c)),
  "new Response()": async (c) => new Response(await pageOf(c)),
  "new Response() with headers": async (c) => new Response(await pageOf(c), { headers: PUBLIC }),
  "Response.json()": async (c) => Response.json(await pageOf(c)),
  "a response with headers set later": async (c) => {
    const response = c.text(await pageOf(c));
    response.headers.set("cache-control", "public, max-age=600");
    return response;
  },
  "a clone": async (c) => new Response(await pageOf(c)).clone(),
  "a ReadableStream": async (c) => new Response(new Blob([await pageOf(c)]).stream()),
  "streamText()": (c) => streamText(c, async (out) => void await out.write(await pageOf(c))),
  "stream()": (c) => stream(c, async (out) => void await out.write(await pageOf(c))),
  "c.res and no response": async (c) => {
    c.res = new Response(await pageOf(c), { headers: PUBLIC });
    return undefined as never;
  },
  "c.res over another": async (c) => {
    c.res = new Response("another page", { headers: { "x-page": "1" } });
    c.res = new Response(await pageOf(c), { headers: PUBLIC });
    return c.res;
  },
};

/** Every place in which a cache can stand within a session. */
const PLACES: Record<string, (app: App, cached: MiddlewareHandler, handler: Handler) => unknown> = {
  "before the handler": (app, cached, handler) => app.get("/page", cached, handler),
  "with app.use()": (app, cached, handler) => app.use(cached).get("/page", handler),
  "with others around": (app, cached, handler) =>
    app.use(passOn).use("/page", cached).use(passOn).get("/page", handler),
  "under headers that are set before": (app, cached, handler) =>
    app.use(async (c, next) => {
      c.res.headers.set("vary", "Accept");
      c.header("x-before", "1");
      await next();
    }).get("/page", cached, handler),
  "in every() with the handler": (app, cached, handler) =>
    app.get("/page", every(cached, handler as never) as never),
  "in some()": (app, cached, handler) => app.use(some(cached)).get("/page", handler),
  "in a sub-app": (app, cached, handler) =>
    app.route("/", new Hono<Env>().use(cached).get("/page", handler)),
  "in a sub-app with an onError of its own": (app, cached, handler) =>
    app.route(
      "/",
      new Hono<Env>().use(cached).get("/page", handler).onError((_, c) => c.text("failed", 500)),
    ),
};

async function passOn(_c: Context, next: () => Promise<void>): Promise<void> {
  await next();
}

const SETTINGS: Record<string, () => SessionOptions<Data>> = {
  "MapStore": () => ({ store: new MapStore() }),
  "a lazy session": () => ({ store: new MapStore(), lazy: true }),
  "EncryptedCookieStore": () => ({ store: new EncryptedCookieStore({ secret: SECRET }) }),
};

interface Setup {
  app: App;
  login(name: string): Promise<Client>;
  reached(): number;
}

function setup(
  options: SessionOptions<Data>,
  { place, cached, handler }: {
    place: (app: App, cached: MiddlewareHandler, handler: Handler) => unknown;
    cached: MiddlewareHandler;
    handler: Handler;
  },
): Setup {
  let reached = 0;
  const app = new Hono<Env>();
  app.get("/login/:name", session<Data>(options) as never, async (c) => {
    await startSession<Data>(c, { name: c.req.param("name") });
    return c.text("welcome");
  });
  app.use("/page", session<Data>({ ...options, logger: QUIET }) as never);
  place(app, cached, (c) => {
    reached++;
    return handler(c);
  });
  const login = async (name: string) => {
    const client = new Client(app);
    assertEquals(await client.text(`/login/${name}`), "welcome");
    return client;
  };
  return { app, login, reached: () => reached };
}

/** Runs something with a cache of its own. */
async function withCache(run: (cacheName: string) => Promise<void>): Promise<void> {
  const cacheName = crypto.randomUUID();
  try {
    await run(cacheName);
  } finally {
    await caches.delete(cacheName);
  }
}

for (const [setting, options] of Object.entries(SETTINGS)) {
  for (const [where, place] of Object.entries(PLACES)) {
    Deno.test(`shared caches: Hono's own cache within a session keeps nobody's page, ${where}, with ${setting}`, async () => {
      for (const [kind, handler] of Object.entries(KINDS)) {
        for (const vary of setting === "MapStore" ? [undefined, "Cookie", "Accept"] : [undefined]) {
          await withCache(async (cacheName) => {
            const cached = cache({ cacheName, wait: true, ...(vary ? { vary } : {}) });
            const { app, login, reached } = setup(options(), { place, cached, handler });
            const [ada, eve] = [await login("Adalbert"), await login("Evelinda")];
            for (let times = 1; times <= 2; times++) {
              for (const [client, name] of [[ada, "Adalbert"], [eve, "Evelinda"]] as const) {
                const response = await client.fetch("/page");
                const said = await response.text();
                assert(said.includes(`page of ${name}`), `${kind}, vary ${vary}: ${said}`);
                assert(response.headers.get("vary")!.includes("ookie"), kind);
                assert(response.headers.get("cache-control")!.includes("private"), kind);
              }
            }
            assertEquals(reached(), 4, kind);
            // What is nobody's is kept for all, as without a session.
            for (let times = 0; times < 2; times++) {
              const response = await new Client(app).fetch("/page");
              assert((await response.text()).includes("page of nobody"), kind);
              assertEquals(
                /private|ookie/.test(JSON.stringify([...response.headers])),
                vary === "Cookie",
              );
            }
            // It keeps nothing that varies with what it does not know.
            const isKept = where !== "under headers that are set before" || vary === "Accept";
            assertEquals(reached(), isKept ? 5 : 6, kind);
          });
        }
      }
    });
  }
}

Deno.test("shared caches: a cache that is combined with the session keeps nobody's page", async () => {
  for (const combine of [every, some]) {
    await withCache(async (cacheName) => {
      const store = new MapStore();
      const own: MiddlewareHandler[] = [
        session<Data>({ store }) as never,
        cache({ cacheName, wait: true }),
      ];
      const app = new Hono<Env>()
        .get("/login/:name", session<Data>({ store }) as never, async (c) => {
          await startSession<Data>(c, { name: c.req.param("name") });
          return c.text("welcome");
        })
        .use("/page", combine === every ? every(...own) : some(every(...own)))
        .get("/page", (c) => new Response(`page of ${c.var.session.name}`));
      for (const name of ["Adalbert", "Evelinda"]) {
        const client = new Client(app);
        await client.text(`/login/${name}`);
        assertEquals(await client.text("/page"), `page of ${name}`);
      }
    });
  }
});

Deno.test("shared caches: what other middleware sees of a response is marked for each of several sessions, once", async () => {
  const seen: (string | null)[] = [];
  const app = new Hono<{ Variables: { session: Data; admin: Data } }>()
    .use(session<Data>({ store: new MapStore() }) as never)
    .use(session<Data, "admin">({
      store: new MapStore(),
      contextKey: "admin",
      cookieName: false,
      token: { secret: SECRET, maxAge: 60 },
    }) as never)
    .get("/login", async (c) => {
      c.var.session.name = "Adalbert";
      await startSession(c, { name: "root" }, { contextKey: "admin" });
      return c.text(c.get("adminToken" as "admin") as string);
    })
    .use(async (c, next) => {
      await next();
      for (let times = 0; times < 2; times++) {
        seen.push(c.res.headers.get("vary"), c.res.headers.get("cache-control"));
      }
    })
    .get("/page", (c) => c.text(`${c.var.session.name} ${c.var.admin.name}`, 200, PUBLIC));
  const client = new Client(app);
  const authorization = `Bearer ${await client.text("/login")}`;
  const page = await client.fetch("/page", { headers: { authorization } });
  assertEquals(await page.text(), "Adalbert root");
  const [vary, control] = [page.headers.get("vary"), page.headers.get("cache-control")];
  assertEquals(vary!.split(", ").toSorted(), ["Authorization", "Cookie"]);
  assertEquals(control, "max-age=600, private");
  assertEquals(seen, [vary, control, vary, control]);
});

Deno.test("shared caches: a cache within a session keeps no page that a visitor has begun a session with", async () => {
  const deeds: Record<string, (c: C) => unknown> = {
    "a write": (c) => c.var.session.name = "csrf token",
    "startSession()": (c) => startSession(c, { name: "csrf token" }),
    "an assignment": (c) => c.set("session", { name: "csrf token" }),
    "a session that ends": async (c) => {
      await startSession(c, { name: "csrf token" });
      c.set("session", null as never);
    },
  };
  for (const initial of [{}, { name: "a default" }]) {
    for (const [deed, act] of Object.entries(deeds)) {
      await withCache(async (cacheName) => {
        let count = 0;
        const { app } = setup({ store: new MapStore(), initial }, {
          place: PLACES["before the handler"]!,
          cached: cache({ cacheName, wait: true }),
          handler: async (c) => {
            await act(c);
            return c.text(`form ${count++}`);
          },
        });
        const forms = [await new Client(app).text("/page"), await new Client(app).text("/page")];
        assertEquals(forms, ["form 0", "form 1"], deed);
      });
    }
  }
});

Deno.test("shared caches: what a handler says beside the marks stays, also where middleware puts another response in its place", async () => {
  const seen: (string | null)[][] = [];
  const app = new Hono<Env>()
    .use(session<Data>({ store: new MapStore() }) as never)
    .get("/login", (c) => {
      c.var.session.name = "Adalbert";
      return c.text("welcome");
    })
    .use(async (c, next) => {
      await next();
      seen.push([c.res.headers.get("vary"), c.res.headers.get("cache-control")]);
    })
    .use("/replaced", async (c, next) => {
      await next();
      c.res = new Response(c.res.body, {
        headers: { vary: "Accept", "cache-control": "public, max-age=60" },
      });
    })
    .use("/mixed", async (c, next) => {
      await next();
      c.header("vary", "Accept", { append: true });
      c.res.headers.append("x-more", "1");
    })
    .get("/:page", (c) => c.text(`page of ${c.var.session.name}`, 200, { "x-page": "1" }));
  const client = new Client(app);
  await client.text("/login");
  seen.length = 0;
  const replaced = await client.fetch("/replaced");
  assertEquals(seen.shift(), ["Cookie, Accept", "max-age=60, private"]);
  assertEquals(
    [await replaced.text(), replaced.headers.get("vary"), replaced.headers.get("cache-control")],
    ["page of Adalbert", "Cookie, Accept", "max-age=60, private"],
  );
  const mixed = await client.fetch("/mixed");
  assertEquals(
    [await mixed.text(), mixed.headers.get("vary"), mixed.headers.get("x-page")],
    ["page of Adalbert", "Accept, Cookie", "1"],
  );
  assertEquals(mixed.headers.get("x-more"), "1");
  seen.length = 0;
  assertEquals([...(await app.request("/other")).headers], [
    ["content-type", "text/plain; charset=UTF-8"],
    ["x-page", "1"],
  ]);
  assertEquals(seen, [[null, null]]);
});
