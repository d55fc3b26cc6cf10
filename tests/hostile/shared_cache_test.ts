import { session, type SessionOptions } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { cache } from "hono/cache";
import { streamText } from "hono/streaming";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { QUIET } from "./_app.ts";
import { SharedCache, type SharedCacheOptions } from "./_shared_cache.ts";

interface Data {
  name?: string;
  seen?: number;
}

/** What handlers say of caching that would be wrong for a page of somebody. */
const SAID: Record<string, Record<string, string>> = {
  nothing: {},
  public: { "cache-control": "public, max-age=600" },
  "s-maxage": { "cache-control": "s-maxage=600" },
  "max-age": { "cache-control": "max-age=600" },
  shouted: { "CACHE-CONTROL": "  PUBLIC ,, S-MaxAge = 600 ", VARY: " ACCEPT , cookie " },
  expires: { expires: "Thu, 01 Jan 2099 00:00:00 GMT" },
  fields: { "cache-control": 'public, private="set-cookie, vary", max-age=600' },
  "vary *": { "cache-control": "public", vary: "*" },
  "vary others": { "cache-control": "public", vary: "accept-encoding, Origin" },
};

const page = (name = "nobody") => `page of ${name}`;

/** Handlers that answer in every way that there is. */
function routes(app: Hono<{ Variables: { session: Data } }>) {
  const say = (said: string, more: Record<string, string> = {}) => ({ ...SAID[said], ...more });
  return app
    .get("/ok/:said", (c) => c.text(page(c.var.session.name), 200, say(c.req.param("said"))))
    .get("/write/:said", (c) => {
      c.var.session.seen = (c.var.session.seen ?? 0) + 1;
      return c.text(page(c.var.session.name), 200, say(c.req.param("said")));
    })
    .get(
      "/empty/:said",
      (c) => c.body(null, 204, say(c.req.param("said"), { "x-name": page(c.var.session.name) })),
    )
    .get(
      "/part/:said",
      (c) =>
        c.text(
          page(c.var.session.name),
          206,
          say(c.req.param("said"), { "content-range": "bytes 0-3/9" }),
        ),
    )
    .get(
      "/same/:said",
      (c) => c.body(null, 304, say(c.req.param("said"), { etag: `"${page(c.var.session.name)}"` })),
    )
    .get("/moved/:said", (c) =>
      new Response(null, {
        status: 301,
        headers: say(c.req.param("said"), { location: `/of/${page(c.var.session.name)}` }),
      }))
    .get(
      "/frozen/:said",
      (c) => Response.redirect(`https://app.test/of/${page(c.var.session.name)}`, 308),
    )
    .get("/missing/:said", (c) => c.text(page(c.var.session.name), 404, say(c.req.param("said"))))
    .get("/gone/:said", (c) => c.text(page(c.var.session.name), 410, say(c.req.param("said"))))
    .get("/broken/:said", (c) => c.text(page(c.var.session.name), 501, say(c.req.param("said"))))
    .get("/thrown/:said", (c) => {
      throw new Error(page(c.var.session.name));
    })
    .get("/stream/:said", (c) => {
      for (const [name, value] of Object.entries(say(c.req.param("said")))) c.header(name, value);
      return streamText(c, async (stream) => void await stream.write(page(c.var.session.name)));
    })
    .notFound((c) => c.text(page(c.var.session?.name), 404, SAID.public))
    .onError((error, c) => c.text(error.message, 501, SAID.public));
}

const KINDS = "ok write empty part same moved frozen missing gone broken thrown stream nowhere"
  .split(" ");

const SETTINGS: Record<string, () => SessionOptions<Data>> = {
  "MapStore": () => ({ store: new MapStore() }),
  "a rolling session": () => ({ rolling: { after: 1 } }),
  "a rotated one": () => ({ rotate: { every: 0 } }),
  "EncryptedCookieStore, rolling": () => ({
    store: new EncryptedCookieStore({ secret: SECRET }),
    rolling: { after: 1 },
  }),
};

const CACHES: Record<string, SharedCacheOptions> = {
  "RFC 9111": {},
  "one that ignores Vary": { ignoresVary: true },
  "one that ignores private": { ignoresPrivate: true },
};

function setup(options: SessionOptions<Data>) {
  const clock = new FakeClock();
  const app = new Hono<{ Variables: { session: Data } }>()
    .use(session<Data>({
      store: new MapStore({ clock: clock.now }),
      clock: clock.now,
      logger: QUIET,
      ...options,
    }))
    .get("/login/:name", (c) => {
      c.var.session.name = c.req.param("name");
      return c.text("welcome", 200, SAID.public);
    });
  return { app: routes(app as never), clock };
}

/** Everything that a response says. */
async function wordsOf(response: Response): Promise<string> {
  return JSON.stringify([[...response.headers], await response.text()]);
}

for (const [setting, options] of Object.entries(SETTINGS)) {
  for (const [cacheName, how] of Object.entries(CACHES)) {
    Deno.test(`shared caches: nobody gets the page or the cookie of another over ${cacheName}, with ${setting} (CVE-2023-30861, CVE-2026-27205, CVE-2025-48947, CVE-2025-64762, CVE-2024-26144)`, async () => {
      const { app, clock } = setup(options());
      const front = new SharedCache(app.fetch, how) as unknown as Hono;
      const users: Record<string, Client> = {};
      for (const name of ["Adalbert", "Evelinda"]) {
        users[name] = new Client(front);
        await users[name].text(`/login/${name}`);
      }
      const cookies = [await users.Adalbert!.cookie(), await users.Evelinda!.cookie()];
      assert(cookies[0] !== cookies[1], "a login came out of the cache");
      for (const kind of KINDS) {
        for (const said of Object.keys(SAID)) {
          clock.advance(2);
          for (const method of ["HEAD", "GET"]) {
            for (
              const [name, other] of [["Adalbert", "Evelinda"], ["Evelinda", "Adalbert"]] as const
            ) {
              const init = { method, redirect: "manual" } as const;
              const response = await users[name]!.fetch(`/${kind}/${said}`, init);
              const words = await wordsOf(response);
              const what = `${method} ${kind}, ${said}: ${words}`;
              assert(!words.includes(other), what);
              if (method === "GET" && kind !== "nowhere") assert(words.includes(name), what);
            }
          }
          const words = await wordsOf(await new Client(front).fetch(`/${kind}/${said}`));
          // Of those who have no session one may get what was made for another.
          assert(!/Adalbert|Evelinda/.test(words), `a visitor, ${kind}, ${said}: ${words}`);
        }
      }
    });
  }
}

Deno.test("shared caches: the model keeps what it may, or it would show nothing", async () => {
  const { app } = setup({ cacheControl: false });
  const front = new SharedCache(app.fetch);
  const [ada, eve] = [new Client(front as never), new Client(front as never)];
  await ada.text("/login/Adalbert");
  assertEquals(await ada.text("/ok/public"), page("Adalbert"));
  assertEquals(
    await eve.text("/ok/public"),
    page("Adalbert"),
    "a page that is not marked is leaked",
  );
  assertEquals(await eve.value(), undefined);
  await eve.text("/login/Adalbert");
  assertEquals([await eve.cookie(), front.hits], [await ada.cookie(), 2], "so is a cookie");
});

Deno.test("shared caches: what no session has to do with is kept for all", async () => {
  const { app } = setup({});
  const front = new SharedCache(app.fetch);
  for (let times = 0; times < 3; times++) {
    assertEquals(await new Client(front as never).text("/ok/public"), page());
  }
  assertEquals(front.hits, 2);
});

Deno.test("shared caches: Hono's own cache in front keeps nothing of anybody's session (CVE-2023-30861)", async () => {
  for (const cacheControl of [undefined, "public, max-age=600"]) {
    const cacheName = crypto.randomUUID();
    try {
      const clock = new FakeClock();
      const app = new Hono<{ Variables: { session: Data } }>()
        .use(cache({ cacheName, wait: true, ...(cacheControl ? { cacheControl } : {}) }))
        .use(session<Data>({ store: new MapStore({ clock: clock.now }), clock: clock.now }))
        .get("/login/:name", (c) => {
          c.var.session.name = c.req.param("name");
          return c.text("welcome");
        });
      routes(app as never);
      const [ada, eve] = [new Client(app as never), new Client(app as never)];
      await ada.text("/login/user");
      await eve.text("/login/user");
      assert(await ada.cookie() !== await eve.cookie());
      await ada.text("/login/Adalbert");
      await eve.text("/login/Evelinda");
      for (const said of Object.keys(SAID)) {
        for (const kind of ["ok", "write"]) {
          for (const [name, client] of [["Adalbert", ada], ["Evelinda", eve]] as const) {
            assertEquals(await client.text(`/${kind}/${said}`), page(name), `${kind}, ${said}`);
          }
        }
      }
      const visitor = new Client(app as never);
      const [one, other] = [
        await visitor.fetch("/ok/s-maxage"),
        await visitor.fetch("/ok/s-maxage"),
      ];
      assertEquals([await one.text(), await other.text()], [page(), page()]);
    } finally {
      await caches.delete(cacheName);
    }
  }
});

Deno.test("shared caches: visitors without a session get what an application without sessions says, byte for byte", async () => {
  const { app } = setup({ rolling: true });
  const plain = routes(
    new Hono<{ Variables: { session: Data } }>().use(async (c, next) => {
      c.set("session", {});
      await next();
    }),
  );
  for (const kind of KINDS.filter((kind) => kind !== "write")) {
    for (const said of Object.keys(SAID)) {
      for (const method of ["GET", "HEAD", "POST"]) {
        for (const cookie of ["", "a=b", "sid=", `sid=${"A".repeat(43)}`, "sid=%00; sid=x"]) {
          const init = { method, headers: { cookie } };
          const [own, other] = [
            await app.request(`/${kind}/${said}`, init),
            await plain.request(`/${kind}/${said}`, init),
          ];
          const what = `${method} ${kind}, ${said}`;
          assertEquals([own.status, own.statusText], [other.status, other.statusText], what);
          assertEquals(await wordsOf(own), await wordsOf(other), what);
        }
      }
    }
  }
});
