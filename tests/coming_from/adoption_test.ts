// Users stay logged in when an application changes its library: each cookie is written by the library itself.
import { session as hattipSession, SignedCookieStore as HattipStore } from "@hattip/session";
import { useSession } from "@hono/session";
import { type AdoptOptions, createSessions, type SessionOptions } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { RedisStore } from "connect-redis";
import expressSession from "express-session";
import { type Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import honoSession from "hono-session";
import { CookieStore, sessionMiddleware } from "hono-sessions";
import { getIronSession } from "iron-session";
import { createServer } from "node:http";
import { createClient } from "redis";
import { Client } from "../_support/client.ts";
import { readDocument } from "../_support/documents.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { type Data, makeRecipes } from "./_recipes.ts";

const SECRET = "at least thirty-two characters, for a test";
const MAX_AGE = 3600;
const UNTIL = new Date(Date.now() + 30 * 86_400_000);

type App = Pick<Hono, "fetch">;

/** What the libraries store, and the recipes that read it. */
function setup() {
  const rows = new Map<string, Data & { _expires: number }>();
  const hattipStore = { load: () => undefined };
  const redisStore = { get: () => Promise.resolve(undefined) };
  const old = createSessions<Data>({ store: new MapStore() });
  const given = {
    secret: SECRET,
    rows: { get: (id: string) => Promise.resolve(rows.get(id)) },
    hattipStore,
    redisStore,
    old,
  };
  return { rows, given };
}

/** Logs in with the old library, then visits the application that adopts its sessions. */
async function moves(
  before: App,
  { adopt, cookieName, ...options }:
    & Pick<SessionOptions<Data>, "store">
    & { cookieName?: string | undefined; adopt: Omit<AdoptOptions<Data>, "until"> },
  client?: (app: App) => Promise<Client>,
): Promise<void> {
  const sessions = createSessions<Data>({
    store: new MapStore(),
    ...options,
    ...(cookieName === undefined ? {} : { cookieName }),
    adopt: { ...adopt, until: UNTIL },
  });
  const after = new Hono()
    .use(sessions.middleware())
    .get("/me", (c) => c.text(c.var.session.userId ?? "nobody"))
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
  let app: App = before;
  const shared: App = { fetch: (...args) => app.fetch(...args) };
  const ada = await client?.(shared) ?? new Client(shared);
  if (!client) await ada.text("/login");
  const old = await ada.cookie();
  const value = await ada.value(adopt.cookie);
  assert(value, "the old library has sent a cookie");
  app = after;
  assertEquals(await ada.text("/me"), "42");
  const name = cookieName || "sid";
  assert(await ada.value(name));
  if (adopt.cookie !== name) assertEquals(await ada.value(adopt.cookie), undefined);
  else assert(await ada.value(name) !== value, "a new token");
  assertEquals(await ada.text("/me"), "42");
  await ada.text("/logout");
  assertEquals(await ada.value(name), undefined);
  const again = await after.request("/me", { headers: { cookie: old } });
  if (!options.store) assertEquals(await again.text(), "nobody", "a logout stays one");
  if (!options.store) {
    for (const cookie of altered(adopt.cookie, decodeURIComponent(value))) {
      const revived = await after.request("/me", { headers: { cookie } });
      assertEquals(await revived.text(), "nobody", `revived by ${cookie}`);
    }
  }
  const damaged = `${adopt.cookie}=${value.slice(0, -3)}x`;
  const stranger = await after.request("/me", { headers: { cookie: damaged } });
  assertEquals([stranger.status, await stranger.text()], [200, "nobody"]);
}

const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Cookies that whoever has a cookie can make of it, and that may be read as the same session. */
function altered(name: string, value: string): string[] {
  const encoded = (text: string) => `${name}=${encodeURIComponent(text)}`;
  return [
    `${encoded(value)}; ${name}=x`,
    `${name}=x; ${encoded(value)}`,
    `${encoded("x")}; ${name}=y; ${encoded(value)}`,
    ...["~", "~2", "~2~x", " ", ".", "=", "x"].map((end) => encoded(value + end)),
    encoded(`x${value.slice(1)}`),
    // The last character of base64url may have unused bits, and base64 is another form of it.
    ...[".", "*"].flatMap((separator) =>
      value.split(separator).flatMap((part, at, parts) => {
        const others = [...BASE64URL].map((last) => part.slice(0, -1) + last);
        const base64 = part.replaceAll("-", "+").replaceAll("_", "/");
        return [...others, base64, `${part}=`, `${part}==`]
          .map((other) => encoded(parts.with(at, other).join(separator)));
      })
    ).filter((cookie) => cookie !== encoded(value)),
  ];
}

Deno.test("adopting from hono-session, with a store", async () => {
  const { rows, given } = setup();
  // deno-lint-ignore no-explicit-any -- A Map is not what its types say.
  const store = rows as any;
  const before = new Hono<{ Variables: { session: Data } }>()
    .use(honoSession({ store, maxAge: MAX_AGE }) as never)
    .get("/login", (c) => {
      Object.assign(c.get("session"), { userId: "42" });
      return c.text("ok");
    });
  await moves(before, { adopt: { cookie: "sid", read: makeRecipes(given).honoSession } });
});

Deno.test("adopting from hono-sessions, with its CookieStore", async () => {
  const before = new Hono<{ Variables: { session: { set(key: string, value: string): void } } }>()
    .use(sessionMiddleware({
      store: new CookieStore(),
      encryptionKey: SECRET,
      expireAfterSeconds: MAX_AGE,
      cookieOptions: { path: "/" },
    }) as never)
    .get("/login", (c) => {
      c.get("session").set("userId", "42");
      return c.text("ok");
    });
  const { given } = setup();
  await moves(before, { adopt: { cookie: "session", read: makeRecipes(given).honoSessions } });
});

Deno.test("adopting from @hono/session, without a storage", async () => {
  const before = new Hono<
    { Variables: { session: { update(data: Data): Promise<void> } } }
  >()
    .use(useSession({ secret: SECRET, duration: { absolute: MAX_AGE } }) as never)
    .get("/login", async (c) => {
      await c.get("session").update({ userId: "42" });
      return c.text("ok");
    });
  const { given } = setup();
  const { error } = console;
  console.error = () => {};
  try {
    await moves(before, { adopt: { cookie: "sid", read: makeRecipes(given).honojsSession } });
  } finally {
    console.error = error;
  }
});

for (const store of [undefined, new EncryptedCookieStore({ secret: SECRET })]) {
  Deno.test(`adopting from iron-session, to ${store ? "an encrypted cookie" : "a store"}`, async () => {
    const before = new Hono().get("/login", async (c) => {
      const jar = {
        get: (name: string) => {
          const value = getCookie(c, name);
          return value === undefined ? undefined : { name, value };
        },
        set: (name: string, value: string, options: object) => setCookie(c, name, value, options),
      };
      const session = await getIronSession<Data>(jar, { cookieName: "iron", password: SECRET });
      session.userId = "42";
      await session.save();
      return c.text("ok");
    });
    const { given } = setup();
    await moves(before, {
      ...(store ? { store } : {}),
      adopt: { cookie: "iron", read: makeRecipes(given).ironSession },
    });
  });
}

Deno.test("adopting from @hattip/session", async () => {
  const hattipStore = new HattipStore(await HattipStore.generateKeysFromSecrets([SECRET]));
  const run = hattipSession({
    store: hattipStore,
    defaultSessionData: {},
    cookieOptions: { maxAge: MAX_AGE, path: "/" },
  });
  const before = new Hono().get("/login", async (c: Context) => {
    const context = {
      cookie: getCookie(c),
      // It hands on milliseconds.
      setCookie: (name: string, value: string, options: object) =>
        setCookie(c, name, value, { ...options, maxAge: MAX_AGE }),
      session: { data: {} as Data },
      next() {
        context.session.data.userId = "42";
        return Promise.resolve(c.text("ok"));
      },
    };
    await run(context as never);
    return c.text("ok");
  });
  const { given } = setup();
  const { hattipSession: read } = makeRecipes({ ...given, hattipStore });
  await moves(before, { adopt: { cookie: "session", read } });
});

Deno.test({
  name: "adopting from express-session, with connect-redis",
  ignore: skipRedis(),
  async fn() {
    await using redis = await RedisServer.start();
    const client = createClient({ url: redis.url });
    await client.connect();
    const store = new RedisStore({ client });
    const run = expressSession({ store, secret: SECRET, resave: false, saveUninitialized: false });
    const server = createServer((request, response) =>
      run(request, response, () => {
        Reflect.set(Reflect.get(request, "session"), "userId", "42");
        response.end("ok");
      })
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    try {
      const before: App = {
        fetch: async () => {
          const response = await fetch(`http://127.0.0.1:${port}/login`);
          await response.text();
          const headers = response.headers.getSetCookie().map((line) =>
            ["set-cookie", line] as [string, string]
          );
          return new Response("ok", { headers });
        },
      };
      const { given } = setup();
      const redisStore = { get: (id: string) => store.get(id) };
      const { expressSession: read } = makeRecipes({ ...given, redisStore } as never);
      await moves(before, { adopt: { cookie: "connect.sid", read } });
      await client.destroy();
    } finally {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    }
  },
});

for (const cookieName of [undefined, "new"]) {
  Deno.test(`adopting from another store of this package, as the cookie ${cookieName ?? "of the same name"}`, async () => {
    const { given } = setup();
    const before = new Hono().use(given.old.middleware()).get("/login", (c) => {
      c.var.session.userId = "42";
      return c.text("ok");
    });
    await moves(before, {
      cookieName,
      adopt: { cookie: "sid", read: makeRecipes(given).anotherStore },
    });
  });
}

Deno.test("the recipes in .github/MIGRATING.md are those that are tested", async () => {
  const document = await readDocument(".github/MIGRATING.md");
  const code = await Deno.readTextFile(new URL("_recipes.ts", import.meta.url));
  const recipes = code.slice(
    code.indexOf("  const isAsSent"),
    code.indexOf("\n  return {\n    honoSession,"),
  );
  assertStringIncludes(document, recipes.replaceAll(/^ {2}/gm, "").trim());
});
