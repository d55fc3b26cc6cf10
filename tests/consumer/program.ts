// A program that the compiler is to take as it is: `deno check` in this tree, and TypeScript beside the npm package, in
// types_test.ts. It is never run.
import sessionByDefault, {
  createSessions,
  endSession,
  getSession,
  requireSession,
  type Session,
  session,
  type SessionCookie,
  type SessionCookieOptions,
  type SessionEnv,
  type SessionManager,
  type SessionOf,
  type SessionOptions,
  type SessionVariables,
  type StandardSchema,
  startSession,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { type Context, Hono } from "hono";
import { createMiddleware } from "hono/factory";

type Equals<One, Other> = (<T>() => T extends One ? 1 : 2) extends
  (<T>() => T extends Other ? 1 : 2) ? true
  : false;

/** Compiles only when the types are the same. */
function same<_Proof extends true>(): void {}

interface Item {
  name: string;
  price: number;
}

// An interface without an index signature.
interface Shop {
  userId?: string;
  cart?: Item[];
  readonly since?: number;
}

const store = new MapStore();

export const chained = new Hono()
  .use(session<Shop>({ store }))
  .get("/", (c) => {
    same<Equals<typeof c.var.session, Session<Shop>>>();
    const got = c.get("session");
    same<Equals<typeof got, Session<Shop>>>();
    same<Equals<typeof got.userId, string | undefined>>();
    same<Equals<typeof got.isNew, boolean>>();
    same<Equals<typeof got.subject, string | undefined>>();
    got.userId = "42";
    (got.cart ??= []).push({ name: "apple", price: 1 });
    delete got.userId;
    // @ts-expect-error -- not a string
    got.userId = 42;
    // @ts-expect-error -- no such key
    got.nobody = 1;
    // @ts-expect-error -- readonly data stay readonly
    got.since = 1;
    got.flash("userId", "42");
    got.flash("notice", { any: "thing" });
    // @ts-expect-error -- the type says string
    got.flash("userId", 42);
    return c.json(got.toJSON());
  })
  .post("/", async (c) => {
    const cart = await c.var.session.update("cart", (cart = []) => [...cart]);
    same<Equals<typeof cart, Item[] | undefined>>();
    // @ts-expect-error -- no such key
    await c.var.session.update("nobody", () => 1);
    const started = await startSession<Shop>(c, { userId: "42" });
    same<Equals<typeof started, Session<Shop>>>();
    const found = await getSession<Shop>(c);
    same<Equals<typeof found, Session<Shop>>>();
    await endSession(c);
    await endSession(c, "token", { contextKey: "session" });
    return c.body(null);
  });

export const byDefault = new Hono().use(sessionByDefault({ store: new Map() })).get("/", (c) => {
  same<Equals<typeof c.var.session.sid, string>>();
  return c.body(null);
});

// A handler that is typed on its own, in a file of its own.
export function profile(c: Context<SessionEnv<Shop>>): Response {
  same<Equals<typeof c.var.session.userId, string | undefined>>();
  return c.text(c.var.session.userId ?? "nobody");
}

interface Variables extends SessionVariables<Shop> {
  locale: string;
}

export const separate = new Hono<{ Variables: Variables }>()
  .use(session<Shop>({ store }))
  .get("/profile", profile)
  .get("/locale", (c) => {
    same<Equals<typeof c.var.locale, string>>();
    same<Equals<typeof c.var.session.userId, string | undefined>>();
    return c.text(c.var.locale);
  });

const verify = createMiddleware<{ Variables: { session: Session<{ userId: string }> } }>(
  async (c, next) => {
    if (!c.var.session.userId) return c.text("Unauthorised", 401);
    return await next();
  },
);

export const guarded = new Hono()
  .use(session<Shop>({ store }))
  .get("/own", verify, (c) => {
    same<Equals<typeof c.var.session.userId, string>>();
    same<Equals<typeof c.var.session.cart, Item[] | undefined>>();
    return c.text(c.var.session.userId);
  })
  .get("/ours", requireSession<{ userId: string }>({ has: ["userId"] }), (c) => {
    same<Equals<typeof c.var.session.userId, string>>();
    const got = c.get("session");
    same<Equals<typeof got.userId, string>>();
    return c.text(got.userId);
  })
  .use("/all/*", requireSession<{ userId: string }>())
  .get("/all/name", (c) => c.text(c.var.session.userId ?? "nobody"));

// @ts-expect-error -- no key of the data
requireSession<{ userId: string }>({ has: ["user"] });
requireSession({
  type: "html",
  status: 403,
  response: "<p>no</p>",
  when: (c) => c.req.method !== "GET",
});
requireSession({ response: (c) => c.redirect("/login") });

type Guarded = SessionEnv<Shop> & { Variables: { Session: { userId: string } } };
same<Equals<SessionOf<Guarded>["userId"], string>>();
same<Equals<SessionOf<SessionEnv<Shop>>, Session<Shop>>>();
same<Equals<SessionOf<object>["isNew"], boolean>>();

// The names of members are not data.
type Clash = Session<{ isNew: string; renew: number; subject: boolean; name: string }>;
same<Equals<Clash["isNew"], boolean>>();
same<Equals<Clash["subject"], string | undefined>>();
same<Equals<Clash["name"], string>>();
export function reserved(clash: Clash): void {
  // @ts-expect-error -- a method
  clash.renew = 1;
  // @ts-expect-error -- only read
  clash.sid = "mine";
}

type Loose = Session<Record<string, unknown>>;
same<Equals<Loose["anything"], unknown>>();

export const several = new Hono()
  .use(session<Shop>({ store }))
  .use(session<{ rights: string[] }, "admin">({ store, contextKey: "admin", cookieName: "admin" }))
  .get("/", (c) => {
    same<Equals<typeof c.var.admin.rights, string[]>>();
    same<Equals<typeof c.var.session.userId, string | undefined>>();
    same<Equals<typeof c.var.sessionCookie, SessionCookie>>();
    same<Equals<typeof c.var.adminCookie, SessionCookie>>();
    const token = c.get("adminToken");
    same<Equals<typeof token, string | undefined>>();
    const cookie = c.get("sessionCookie");
    cookie.sameSite = "Strict";
    cookie.maxAge = 60;
    // @ts-expect-error -- no such attribute
    cookie.name = "other";
    // @ts-expect-error -- no such value
    cookie.sameSite = "lenient";
    return c.text("ok");
  });

// Names and data are found where they are not given.
export const inferred = new Hono()
  .use(session({ store, contextKey: "visit", initial: { count: 0 } }))
  .get("/", (c) => {
    same<Equals<typeof c.var.visit.count, number>>();
    return c.text("ok");
  });

declare const schema: StandardSchema<{ theme: "dark" | "light" }>;

export const checked = new Hono().use(session({ store, schema })).get("/", (c) => {
  same<Equals<typeof c.var.session.theme, "dark" | "light">>();
  return c.text(c.var.session.theme);
});

const cookieOptions: SessionCookieOptions = { prefix: "host", sameSite: "Strict" };

export const options: SessionOptions<Shop>[] = [
  {},
  { store: new Map(), initial: { userId: "42" }, cookieOptions },
  { store, initial: () => ({}), scope: (c) => c.var.tenant, lazy: true },
  { store, scope: "host", existsCookieName: "sx", existsCookieOptions: { domain: "example.com" } },
  {
    store,
    secret: (c) => c.env.SECRET,
    token: { maxAge: 60, payload: ({ userId }) => ({ userId }) },
  },
  { store, cookieName: false, token: { maxAge: 60, queryParam: false, header: "x-session" } },
  { store, migrate: (data) => ({ userId: data.user }), contextKey: "shop" },
  { store: { get: () => undefined, set: (_key, _record, _c) => {}, delete() {} } },
  { store: new EncryptedCookieStore({ secret: (c) => c.env.SECRET }) },
  // @ts-expect-error -- no such option
  { maxage: 1 },
  // @ts-expect-error -- not a number
  { maxAge: "1 day" },
  // @ts-expect-error -- not a value of the data
  { initial: { userId: 42 } },
  // @ts-expect-error -- the second cookie is always readable
  { existsCookieName: "sx", existsCookieOptions: { httpOnly: true } },
];

interface Device {
  name: string;
}

export async function devices(manager: SessionManager<Shop>, device: Device): Promise<string[]> {
  const { sid } = await manager.create({ userId: "42" }, { subject: "user:42", meta: device });
  await manager.revoke("user:42", sid);
  const opened = await manager.open(new Request("https://app.test/"));
  if (opened) opened.meta = device;
  same<Equals<typeof opened, Session<Shop> | undefined>>();
  const names: string[] = [];
  for await (const { meta, lastSeenAt, current } of manager.list("user:42", { limit: 10 })) {
    same<Equals<typeof current, boolean>>();
    names.push(`${meta?.["name"]} ${lastSeenAt.toISOString()}`);
  }
  return names;
}

export const managed = new Hono()
  .use(createSessions<Shop>({ store, maxSessions: { limit: 3, policy: "reject" } }).middleware())
  .get("/", (c) => {
    same<Equals<typeof c.var.session, Session<Shop>>>();
    return c.text("ok");
  });
