// Each of Hono's own middleware on both sides of a session, and each of its adapters around one.
import { session, type SessionEnv, type SessionStore } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { basicAuth } from "hono/basic-auth";
import { bearerAuth } from "hono/bearer-auth";
import { bodyLimit } from "hono/body-limit";
import { cache } from "hono/cache";
import { serveStatic as serveWorkersStatic } from "hono/cloudflare-workers";
import { every, except, some } from "hono/combine";
import { compress } from "hono/compress";
import { contextStorage, getContext } from "hono/context-storage";
import { cors } from "hono/cors";
import { csrf } from "hono/csrf";
import { serveStatic as serveDenoStatic } from "hono/deno";
import { etag } from "hono/etag";
import { html } from "hono/html";
import { ipRestriction } from "hono/ip-restriction";
import { jsxRenderer } from "hono/jsx-renderer";
import { jwt, sign } from "hono/jwt";
import { languageDetector } from "hono/language";
import { logger } from "hono/logger";
import { methodOverride } from "hono/method-override";
import { poweredBy } from "hono/powered-by";
import { prettyJSON } from "hono/pretty-json";
import { proxy } from "hono/proxy";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { serveStatic } from "hono/serve-static";
import { disableSSG, ssgParams, toSSG } from "hono/ssg";
import { timeout } from "hono/timeout";
import { timing } from "hono/timing";
import { appendTrailingSlash, trimTrailingSlash } from "hono/trailing-slash";
import { Client } from "../_support/client.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { ADAPTERS } from "../_support/hono_adapters.ts";

interface Data {
  userId?: string;
}

type Env = SessionEnv<Data>;
type Side = "inside" | "outside";

/** One middleware, and what is looked at beside what is asserted of all of them. */
interface Row {
  /** Makes the middleware. */
  readonly make: (app: Hono<Env>) => MiddlewareHandler;
  /** On which sides of the session it is mounted, where it isn't both. */
  readonly sides?: readonly Side[];
  /** What mounts it together with the session, where it isn't one after the other. */
  readonly together?: Partial<Record<Side, (session: MiddlewareHandler) => MiddlewareHandler[]>>;
  /** What every request carries. */
  readonly headers?: Record<string, string>;
  /** The path of the page, where it isn't `/me`. */
  readonly path?: string;
  /** The page. */
  readonly page?: (c: Context<Env>) => Response | Promise<Response>;
  /** The text of a page, where it isn't its body. */
  readonly text?: (response: Response) => Promise<string>;
  /** Whether users may be shown the page of anonymous visitors, as it is kept for everybody. */
  readonly keepsAnonymousPages?: boolean;
  /** Shows that the middleware did its work on the page of a user, whose text it is given. */
  readonly check?: (response: Response, text: string) => void;
  /** What else a user does. */
  readonly also?: (user: Client, side: Side) => Promise<void>;
}

const nameOf = (c: Context<Env>) => c.var.session.userId ?? "nobody";
const pass: MiddlewareHandler = (_c, next) => next();

const header = (name: string, value: RegExp) => ({ headers }: Response) =>
  assertMatch(headers.get(name) ?? "", value);

const BACKEND = new Hono().all("*", (c) => {
  c.header("cache-control", "public, max-age=60");
  return c.text(`page of ${c.req.header("x-user")}`);
});

const TESTS = new URL("../_support/", import.meta.url).pathname;
const JWT = await sign({ sub: "program" }, SECRET, "HS256");

/** A file is public, and asking for it neither shows nor changes a session. */
const getsFile: Row["also"] = async (user, side) => {
  const response = await user.fetch("/client.ts");
  assertEquals(response.status, 200);
  assertMatch(await response.text(), /CookieJar/);
  assertEquals(sessionCookies(response), []);
  if (side === "inside") assertMarked(response);
};

const ROWS: Record<string, Row> = {
  "basic auth": {
    make: () => basicAuth({ username: "u", password: "p" }),
    headers: { authorization: `Basic ${btoa("u:p")}` },
  },
  "bearer auth": {
    make: () => bearerAuth({ token: "key" }),
    headers: { authorization: "Bearer key" },
  },
  "body limit": {
    make: () => bodyLimit({ maxSize: 100 }),
    also: async (user) => {
      const response = await user.fetch("/logout", { ...POST, body: "x".repeat(101) });
      assertEquals([response.status, sessionCookies(response)], [413, []]);
      await response.text();
    },
  },
  "cache": {
    make: () => cache({ cacheName: CACHE, wait: true }),
    keepsAnonymousPages: true,
  },
  "cache that varies by cookie": {
    make: () => cache({ cacheName: CACHE, wait: true, vary: "Cookie", cacheControl: "max-age=60" }),
    check: header("cache-control", /max-age=60/),
  },
  "combine: some": {
    make: () => some(() => false, pass),
    together: { outside: (session) => [some(() => false, session)] },
  },
  "combine: every": {
    make: () => every(pass, poweredBy()),
    together: { outside: (session) => [every(poweredBy(), session)] },
    check: header("x-powered-by", /Hono/),
  },
  "combine: except": {
    make: () => except("/logout", poweredBy()),
    together: { outside: (session) => [except("/static/*", poweredBy(), session)] },
    check: header("x-powered-by", /Hono/),
  },
  "compress": {
    make: () => compress(),
    headers: { "accept-encoding": "gzip" },
    page: (c) => c.text(`${nameOf(c)}${" ".repeat(2000)}`),
    text: async ({ body }) =>
      await new Response(body!.pipeThrough(new DecompressionStream("gzip"))).text(),
    check: header("content-encoding", /gzip/),
  },
  "context storage": {
    make: () => contextStorage(),
    page: (c) => c.text(getContext<Env>().var.session.userId ?? nameOf(c)),
  },
  "cors": {
    make: () => cors({ origin: "https://app.test", credentials: true }),
    check: ({ headers }) => {
      assertEquals(headers.get("access-control-allow-origin"), "https://app.test");
      assertMatch(headers.get("vary")!, /origin/i);
    },
    also: async (user) => {
      const headers = { "access-control-request-method": "POST", origin: "https://app.test" };
      const response = await user.fetch("/login/Ada", { method: "OPTIONS", headers });
      assertEquals([response.status, sessionCookies(response)], [204, []]);
    },
  },
  "csrf": {
    make: () => csrf(),
    also: async (user) => {
      const headers = { ...FORM, origin: "https://evil.test" };
      const response = await user.fetch("/logout", { method: "POST", headers, body: "a=b" });
      assertEquals([response.status, sessionCookies(response)], [403, []]);
      await response.text();
    },
  },
  "etag": {
    make: () => etag(),
    also: async (user) => {
      const page = await user.fetch("/me");
      await page.text();
      const headers = { "if-none-match": page.headers.get("etag")! };
      const response = await user.fetch("/me", { headers });
      assertEquals(response.status, 304);
      assertMarked(response);
    },
    check: header("etag", /^"/),
  },
  "IP restriction": {
    make: () =>
      ipRestriction(() => ({ remote: { address: "192.0.2.1", addressType: "IPv4" } }), {}),
  },
  "JWT": {
    make: () => jwt({ secret: SECRET, alg: "HS256" }),
    headers: { authorization: `Bearer ${JWT}` },
  },
  "language": {
    make: () => languageDetector({ supportedLanguages: ["en", "ja"], fallbackLanguage: "en" }),
    headers: { "accept-language": "ja" },
    check: ({ headers }) => assertMatch(headers.getSetCookie().join(), /language=ja/),
  },
  "logger": { make: () => logger(() => {}) },
  "method override": {
    make: (app) => methodOverride({ app }),
    also: async (user) => {
      const init = { ...POST, headers: { ...FORM, ...POST.headers }, body: "_method=PUT" };
      const response = await user.fetch("/rename", init);
      assertEquals([response.status, await response.text()], [200, "renamed Ada"]);
      assertMarked(response);
    },
  },
  "powered by": { make: () => poweredBy(), check: header("x-powered-by", /Hono/) },
  "pretty JSON": {
    make: () => prettyJSON(),
    path: "/me?pretty",
    page: (c) => c.json({ name: nameOf(c) }),
    check: (_response, text) => assertMatch(text, /{\n {2}"name"/),
  },
  "proxy helper": {
    make: () => pass,
    sides: ["inside"],
    page: (c) =>
      proxy("https://backend.test/page", {
        headers: { ...c.req.header(), cookie: undefined, "x-user": nameOf(c) },
        customFetch: async (request) => await BACKEND.fetch(request),
      }),
  },
  "renderer": {
    make: () => jsxRenderer(({ children }) => html`<main>${children}</main>`),
    page: (c) => Promise.resolve(c.render(html`<b>${nameOf(c)}</b>`)),
    check: (_response, text) => assertMatch(text, /^<!DOCTYPE html><main><b>/),
  },
  "renderer that streams": {
    make: () => jsxRenderer(({ children }) => html`<main>${children}</main>`, { stream: true }),
    page: (c) => Promise.resolve(c.render(html`<b>${nameOf(c)}</b>`)),
    check: (_response, text) => assertMatch(text, /^<!DOCTYPE html><main><b>/),
  },
  "request id": { make: () => requestId(), check: header("x-request-id", /./) },
  "secure headers": { make: () => secureHeaders(), check: header("x-frame-options", /SAMEORIGIN/) },
  "SSG: disable": { make: () => disableSSG() },
  "SSG: parameters": { make: () => ssgParams([{ name: "Ada" }]) },
  "static files": {
    make: () => serveStatic({ root: TESTS, getContent: (path) => readFile(path) }),
    also: getsFile,
  },
  "static files of Deno": { make: () => serveDenoStatic({ root: TESTS }), also: getsFile },
  "static files of Workers": {
    make: () => {
      const serve = serveWorkersStatic({ manifest: { "client.ts": "client.ts" } });
      const namespace = { get: (name: string) => readFile(TESTS + name) };
      return (c, next) => {
        c.env = { __STATIC_CONTENT: namespace };
        return serve(c, next);
      };
    },
    also: getsFile,
  },
  "timeout": {
    make: () => timeout(500),
    also: async (user) => {
      const response = await user.fetch("/hang", POST);
      letGo();
      assertEquals([response.status, sessionCookies(response)], [504, []]);
      await response.text();
    },
  },
  "timing": { make: () => timing(), check: header("server-timing", /total/) },
  "trailing slash: append": {
    make: () => appendTrailingSlash(),
    path: "/slash/",
    also: (user) => isRedirected(user, { from: "/slash", to: "/slash/" }),
  },
  "trailing slash: trim": {
    make: () => trimTrailingSlash(),
    also: (user) => isRedirected(user, { from: "/me/", to: "/me" }),
  },
};

const CACHE = `hono_middleware_test ${crypto.randomUUID()}`;
const POST = { method: "POST", headers: { origin: "https://app.test" } };
/** Lets the handler go that hangs. */
let letGo: () => void;
const FORM = { "content-type": "application/x-www-form-urlencoded" };

async function readFile(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  return path.endsWith("client.ts") ? await Deno.readFile(path) : null;
}

async function isRedirected(
  user: Client,
  { from, to }: { from: string; to: string },
): Promise<void> {
  const response = await user.fetch(from);
  const { pathname } = new URL(response.headers.get("location")!);
  assertEquals([response.status, pathname], [301, to]);
  assertMarked(response);
}

function sessionCookies({ headers }: Response): string[] {
  return headers.getSetCookie().filter((line) => line.startsWith("sid="));
}

/** A shared cache keeps no response for which a session was read. */
function assertMarked({ headers }: Response): void {
  assertMatch(headers.get("vary") ?? "", /(^|,\s*)cookie\b|\*/i);
  assertMatch(headers.get("cache-control") ?? "", /\b(private|no-store)\b/);
  assertEquals(headers.get("cache-control")!.match(/\b(public|s-maxage)\b/), null);
}

const STORES: Record<string, () => SessionStore> = {
  MapStore: () => new MapStore(),
  EncryptedCookieStore: () => new EncryptedCookieStore({ secret: SECRET }),
};

/** An application with its routes in the care of a session and another middleware. */
function makeApp(row: Row, { side, store }: { side: Side; store: SessionStore }) {
  const app = new Hono<Env>();
  const sessions: MiddlewareHandler = session<Data>({ store });
  const handlers = row.together?.[side]?.(sessions) ??
    (side === "inside" ? [sessions, row.make(app)] : [row.make(app), sessions]);
  const page = row.page ?? ((c: Context<Env>) => c.text(nameOf(c)));
  for (const handler of handlers) app.use(handler);
  app
    .post("/login/:name", async (c) => {
      await c.var.session.regenerate();
      c.var.session.userId = c.req.param("name");
      return c.text("welcome");
    })
    .put("/rename", (c) => c.text(`renamed ${nameOf(c)}`))
    .post("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .post("/hang", async (c) => {
      await new Promise<void>((resolve) => letGo = resolve);
      return c.text("late");
    })
    .get("/me", page)
    .get("/slash/", page);
  return app;
}

/** Visitors of an application: whose page they are shown. */
class Visitors {
  readonly #app: Pick<Hono, "fetch">;
  readonly #row: Partial<Row>;

  constructor(app: Pick<Hono, "fetch">, row: Partial<Row>) {
    this.#app = app;
    this.#row = row;
  }

  arrive(): Client {
    return new Client(this.#app);
  }

  /** Logs in, or out, with one cookie. */
  async change(user: Client, path: string): Promise<void> {
    const headers = { ...POST.headers, ...this.#row.headers };
    const response = await user.fetch(path, { ...POST, headers });
    assertEquals(response.status, 200, path);
    await response.text();
    assertEquals(sessionCookies(response).length, 1, path);
    assertMarked(response);
  }

  async read(user: Client): Promise<{ response: Response; text: string }> {
    const { path = "/me", headers = {} } = this.#row;
    const response = await user.fetch(path, { headers: { ...POST.headers, ...headers } });
    assertEquals(response.status, 200);
    const text = await (this.#row.text?.(response) ?? response.text());
    assertEquals(sessionCookies(response), []);
    return { response, text };
  }

  /** Reads the page of the user, and of nobody else. */
  async reads(user: Client, name: string): Promise<void> {
    const { response, text } = await this.read(user);
    assertEquals(text.match(/Ada|Bob|nobody/g), [name]);
    if (name === "nobody") return;
    assertMarked(response);
    this.#row.check?.(response, text);
  }
}

/** What is asserted of every application: two users and a stranger, who come in turn. */
async function checkVisitors(
  app: Pick<Hono, "fetch">,
  { row = {}, side = "inside", isStored }: { row?: Partial<Row>; side?: Side; isStored: boolean },
): Promise<void> {
  const visitors = new Visitors(app, row);
  const [ada, bob, stranger] = [visitors.arrive(), visitors.arrive(), visitors.arrive()];
  await visitors.change(ada, "/login/Ada");
  await visitors.reads(ada, "Ada");
  await visitors.change(bob, "/login/Bob");
  await visitors.reads(bob, "Bob");
  await visitors.reads(ada, "Ada");
  await row.also?.(ada, side);
  await visitors.reads(ada, "Ada");
  await visitors.reads(stranger, "nobody");
  assertEquals(await stranger.value(), undefined);
  if (!row.keepsAnonymousPages) await visitors.reads(ada, "Ada");
  const copy = await ada.thief();
  await visitors.change(ada, "/logout");
  assertEquals(await ada.value(), undefined);
  await visitors.reads(ada, "nobody");
  // A cookie that holds the session itself can be copied, as SECURITY.md says.
  if (isStored) await visitors.reads(copy, "nobody");
  if (!row.keepsAnonymousPages) await visitors.reads(bob, "Bob");
}

for (const [store, makeStore] of Object.entries(STORES)) {
  const isStored = store === "MapStore";

  for (const [name, row] of Object.entries(ROWS)) {
    for (const side of row.sides ?? ["inside", "outside"] as const) {
      Deno.test(`Hono's ${name} ${side} of session(): ${store}`, async () => {
        const app = makeApp(row, { side, store: makeStore() });
        try {
          await checkVisitors(app, { row, side, isStored });
        } finally {
          await caches.delete(CACHE);
        }
      });
    }
  }

  Deno.test(`Hono's proxy helper outside of session(): ${store}`, async () => {
    const app = makeApp({ make: () => pass }, { side: "inside", store: makeStore() });
    const front = new Hono().all(
      "*",
      (c) =>
        proxy(c.req.raw.url, { raw: c.req.raw, customFetch: async (req) => await app.fetch(req) }),
    );
    await checkVisitors(front, { isStored });
  });

  for (const [name, serve] of Object.entries(ADAPTERS)) {
    Deno.test(`Hono's adapter for ${name} around session(): ${store}`, async () => {
      const app = makeApp({ make: () => pass }, { side: "inside", store: makeStore() });
      await checkVisitors({ fetch: serve(app) }, { isStored });
    });
  }

  Deno.test(`toSSG() with session() makes the pages of anonymous visitors: ${store}`, async () => {
    const faulty = new FaultyStore(new MapStore());
    const app = makeApp(
      { make: () => pass },
      { side: "inside", store: isStored ? faulty : makeStore() },
    );
    await checkVisitors(app, { isStored });
    faulty.calls();
    const files = new Map<string, unknown>();
    const { success } = await toSSG(app, {
      writeFile: async (path, data) => void files.set(path, await data),
      mkdir: async () => {},
    }, { dir: "static" });
    assert(success);
    assertEquals(files.get("static/me.txt"), "nobody");
    assertEquals(faulty.calls(), []);
  });
}
