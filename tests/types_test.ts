import {
  endSession,
  getSession,
  type Session,
  session,
  type SessionData,
  type SessionEnv,
  type SessionOptions,
  type SessionStore,
  startSession,
} from "@x/hono-session";
import { DenoKvStore, type KvLike } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { type Context, Hono } from "hono";
import { createMiddleware } from "hono/factory";

type Equals<One, Other> = (<T>() => T extends One ? 1 : 2) extends
  (<T>() => T extends Other ? 1 : 2) ? true
  : false;

/** Compiles only when the types are the same. */
function same<_Proof extends true>(): void {}

// An interface without an index signature.
interface Shop {
  userId?: string;
  readonly cart?: string[];
}

const store = new MapStore();

// Each of these is checked by the compiler; running it shows that the code is also there.
Deno.test("types: the session is typed along the chain", async () => {
  const app = new Hono().use(session<Shop>({ store })).get("/", (c) => {
    same<Equals<typeof c.var.session.userId, string | undefined>>();
    same<Equals<typeof c.var.session.isNew, boolean>>();
    const fromGet = c.get("session");
    same<Equals<typeof fromGet.userId, string | undefined>>();
    same<Equals<typeof fromGet, Session<Shop>>>();
    c.var.session.userId = "42";
    // @ts-expect-error -- not a string
    c.var.session.userId = 42;
    // @ts-expect-error -- readonly data stay readonly
    c.var.session.cart = [];
    // @ts-expect-error -- no such key
    c.var.session.nobody = 1;
    delete c.var.session.userId;
    return c.text("ok");
  });
  assertEquals((await app.request("/")).status, 200);
});

Deno.test("types: handlers that are defined elsewhere", async () => {
  const handler = (c: Context<SessionEnv<Shop>>) => {
    same<Equals<typeof c.var.session.userId, string | undefined>>();
    return c.text("ok");
  };
  const app = new Hono<SessionEnv<Shop>>();
  app.use(session<Shop>({ store }));
  app.get("/", handler);
  assertEquals((await app.request("/")).status, 200);
});

Deno.test("types: a middleware of the application can narrow the session", async () => {
  const signedIn = createMiddleware<{ Variables: { session: Session<{ userId: string }> } }>(
    async (c, next) => {
      if (!c.var.session.userId) return c.text("Unauthorised", 401);
      return await next();
    },
  );
  const app = new Hono().use(session<Shop>({ store })).get("/", signedIn, (c) => {
    const { userId } = c.var.session;
    same<Equals<typeof userId, string>>();
    return c.text(userId);
  });
  assertEquals((await app.request("/")).status, 401);
});

Deno.test("types: members keep their types whatever the data say", () => {
  type Clash = Session<{ isNew: string; renew: number; discard: string; name: string }>;
  same<Equals<Clash["discard"], () => void>>();
  same<Equals<Clash["isNew"], boolean>>();
  same<Equals<Clash["name"], string>>();
  type Loose = Session<Record<string, unknown>>;
  same<Equals<Loose["anything"], unknown>>();
});

Deno.test("types: flash and update know the keys and their values", async () => {
  const app = new Hono().use(session<{ count?: number; notice?: string }>({ store })).get(
    "/",
    async (c) => {
      const { session } = c.var;
      session.flash("notice", "saved");
      session.flash("unknown to the type", { any: "thing" });
      // @ts-expect-error -- the type says string
      session.flash("notice", 1);
      const count = await session.update("count", (count = 0) => count + 1);
      same<Equals<typeof count, number | undefined>>();
      // @ts-expect-error -- no such key
      await session.update("nobody", () => 1);
      const json = session.toJSON();
      same<Equals<typeof json.count, number | undefined>>();
      return c.text("ok");
    },
  );
  assertEquals((await app.request("/")).status, 200);
});

Deno.test("types: startSession() takes and gives the data", async () => {
  const app = new Hono().use(session<Shop>({ store })).get("/", async (c) => {
    const started = await startSession<Shop>(c, { userId: "42" });
    same<Equals<typeof started, Session<Shop>>>();
    return c.text(started.userId!);
  });
  assertEquals(await (await app.request("/")).text(), "42");
});

Deno.test("types: getSession() gives a session that can be read without a check", async () => {
  const app = new Hono().use(session<Shop>({ store })).get("/", async (c) => {
    const found = await getSession<Shop>(c);
    same<Equals<typeof found, Session<Shop>>>();
    await endSession(c);
    return c.text((await getSession<Shop>(c)).userId ?? "nobody");
  });
  assertEquals(await (await app.request("/")).text(), "nobody");
});

Deno.test("types: options and stores", () => {
  // @ts-expect-error -- no such option
  const options: SessionOptions = { maxage: 1 };
  const lists: SessionOptions<Shop>[] = [
    { store: new Map(), initial: { userId: "42" } },
    { store: new DenoKvStore({ path: ":memory:" }), initial: () => ({}) },
    {
      store: {
        get: () => undefined,
        set: (_key: string, _record: unknown, _c: Context) => {},
        delete() {},
      },
    },
  ];
  const contextual: Pick<SessionStore, "read"> = {
    read: (_key: string, _c?: Context) => undefined,
  };
  same<Equals<keyof SessionData, never>>();
  assertEquals([typeof options, lists.length, typeof contextual.read], ["object", 3, "function"]);
});

Deno.test("types: Deno's own handle is a KvLike", async () => {
  using kv = await Deno.openKv(":memory:");
  const like: KvLike = kv;
  assertEquals((await like.get(["nothing"])).value, null);
});
