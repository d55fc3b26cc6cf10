import { getSession, type Session, session, type SessionOptions } from "@x/hono-session";
import {
  EncryptedCookieStore,
  SignedCookieStore,
  UnsignedCookieStore,
} from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { withoutNodeCrypto } from "../_support/crypto.ts";

const secret = "at least thirty-two characters, for a test";

interface Data {
  name?: string;
  cart?: { id: number }[];
}

/** Works with a session if there is one, which some of the middleware gives. */
type WithSession = Context<{ Variables: { session: Session<Data> } }>;

function makeApp(middleware: MiddlewareHandler): Hono {
  return new Hono().use(middleware)
    .get("/static", (c) => c.text("static"))
    .get("/read", (c: WithSession) => c.text(String(c.var.session.cart?.[0]?.id)))
    .get("/set", (c: WithSession) => {
      Object.assign(c.var.session, { name: "Ada", cart: [{ id: 1 }] });
      return c.text("set");
    })
    .get("/add", (c: WithSession) => {
      c.var.session.cart?.push({ id: 2 });
      return c.text("added");
    })
    .get("/renew", (c: WithSession) => {
      c.var.session.renew();
      return c.text("renewed");
    })
    .get("/bind", (c: WithSession) => {
      c.var.session.subject = "user:42";
      return c.text("bound");
    })
    .get("/login", (c: WithSession) => {
      // It can't fail here, so it need not be waited for.
      c.var.session.regenerate();
      return c.text("regenerated");
    });
}

/** More turns than it can take unless something is waited for that no turn brings. */
const MOST = 1000;

/** How many turns of the queue of promises it takes to answer. */
async function turnsOf(app: Pick<Hono, "request">, path: string, cookie?: string): Promise<number> {
  const answer = Promise.resolve(app.request(path, cookie ? { headers: { cookie } } : {}));
  let isThere = false;
  answer.then(() => isThere = true);
  let turns = 0;
  for (; !isThere && turns < MOST; turns++) await undefined;
  assertEquals((await answer).status, 200);
  return turns;
}

async function cookieOf(app: Pick<Hono, "request">): Promise<string> {
  return (await app.request("/set")).headers.getSetCookie()[0]!.split(";")[0]!;
}

const LEAST = await turnsOf(
  makeApp(async (_, next) => {
    await next();
  }),
  "/static",
);

const AT_ONCE: Record<string, SessionOptions<Data>> = {
  "a Map": { store: new Map() },
  MapStore: { store: new MapStore() },
  "MapStore, with signed tokens": { store: new MapStore(), secret },
  "MapStore, with sessions to adopt": {
    store: new MapStore(),
    adopt: { cookie: "old", until: new Date(Date.now() + 60_000), read: () => undefined },
  },
  EncryptedCookieStore: { store: new EncryptedCookieStore({ secret }) },
  SignedCookieStore: { store: new SignedCookieStore({ secret }) },
  UnsignedCookieStore: { store: new UnsignedCookieStore({ parse: JSON.parse }) },
};

for (const [name, options] of Object.entries(AT_ONCE)) {
  Deno.test(`a visitor takes no more turns than with a middleware that does nothing: ${name}`, async () => {
    assertEquals(await turnsOf(makeApp(session(options)), "/static"), LEAST);
  });

  Deno.test(`a session that is only read takes no more turns either: ${name}`, async () => {
    const app = makeApp(session(options));
    const cookie = await cookieOf(app);
    for (const path of ["/static", "/read", "/read"]) {
      assertEquals(await turnsOf(app, path, cookie), LEAST, path);
    }
    assertEquals(await turnsOf(app, "/static", "sid=unknown"), LEAST, "an unknown one");
  });

  Deno.test(`a session that is written takes no more turns either: ${name}`, async () => {
    const app = makeApp(session(options));
    assertEquals(await turnsOf(app, "/set"), LEAST, "a new one");
    for (const path of ["/add", "/renew", "/bind", "/login"]) {
      assertEquals(await turnsOf(app, path, await cookieOf(app)), LEAST, path);
    }
  });
}

Deno.test("a lazy session that nobody asks for takes no more turns, one that is asked for is loaded", async () => {
  const app = makeApp(session<Data>({ store: new MapStore(), lazy: true }));
  app.get("/load", async (c) => c.json(await getSession(c)));
  assertEquals(await turnsOf(app, "/static"), LEAST);
  assertEquals(await turnsOf(app, "/static", "sid=unknown"), LEAST);
  assert(await turnsOf(app, "/load") > LEAST);
});

Deno.test("what Web Crypto computes is waited for", async () => {
  await withoutNodeCrypto(async () => {
    const app = makeApp(session<Data>({ store: new EncryptedCookieStore({ secret, memo: 0 }) }));
    const cookie = await cookieOf(app);
    assert(await turnsOf(app, "/read", cookie) > LEAST);
  });
});

Deno.test("the data of a cookie that comes again are parsed once for all requests", async () => {
  const app = makeApp(session<Data>({ store: new EncryptedCookieStore({ secret }) }));
  const cookie = await cookieOf(app);
  const { parse } = JSON;
  let parsed = 0;
  Object.assign(JSON, {
    parse: (...args: Parameters<typeof parse>) => {
      parsed++;
      return parse(...args);
    },
  });
  try {
    const counts: number[] = [];
    for (let times = 0; times < 4; times++) {
      parsed = 0;
      const response = await app.request("/read", { headers: { cookie } });
      counts.push(parsed);
      assertEquals(await response.text(), "1");
    }
    assertEquals(counts, [1, 1, 0, 0]);
  } finally {
    Object.assign(JSON, { parse });
  }
});
