import { session, SessionEndedError, type SessionOptions, startSession } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Context, Hono } from "hono";
import { SECRET } from "../_support/cookie_stores.ts";
import { QUIET, setCookies } from "./_app.ts";

interface Data {
  x?: number;
  a?: number;
  b?: number;
}

type Session = Data & {
  renew(): void;
  regenerate(): Promise<void>;
  destroy(): void;
  save(): Promise<void>;
};

const sessionOf = (c: Context) => c.get("session") as Session;

/** Does something that an ended session refuses, and something else in its place then. */
async function unlessEnded(run: () => unknown, otherwise: () => void = () => {}): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof SessionEndedError)) throw error;
    otherwise();
  }
}

/** What a handler does to its session. */
const ACTIONS: Record<string, (c: Context) => unknown> = {
  write: (c) => unlessEnded(() => sessionOf(c).a = 1, () => c.set("session", { a: 1 })),
  renew: (c) => unlessEnded(() => sessionOf(c).renew()),
  regenerate: (c) => unlessEnded(() => sessionOf(c).regenerate()),
  destroy: (c) => sessionOf(c).destroy(),
  startSession: (c) => startSession(c, { b: 1 }),
};
const NAMES = Object.keys(ACTIONS);

/** How a handler ends. */
const ENDS: Record<string, (c: Context) => Response | Promise<Response>> = {
  answers: (c) => c.text("done"),
  redirects: (c) => c.redirect("/elsewhere"),
  "finds nothing": (c) => c.notFound(),
  fails: (c) => c.text("failed", 500),
  throws: () => {
    throw new Error("handler failed");
  },
};

/** Every order of every choice of actions. */
function* sequences(names: string[] = NAMES): Generator<string[]> {
  yield [];
  for (const name of names) {
    for (const rest of sequences(names.filter((other) => other !== name))) yield [name, ...rest];
  }
}

/** What the client is to read afterwards; `undefined` when it has no session. */
function expected(before: Data | undefined, actions: string[], failed: boolean): Data | undefined {
  let now: Data | null = before ?? {};
  let saved = before;
  for (const action of actions) {
    if (action === "write") now = { ...now, a: 1 };
    if (action === "destroy") now = null;
    if (action === "startSession") now = { b: 1 };
    if (action === "destroy") saved = undefined;
    if (action === "startSession") saved = now as Data;
  }
  if (failed) return saved;
  return saved || now && Object.keys(now).length > 0 ? now ?? undefined : undefined;
}

function setup(options: SessionOptions<Data>) {
  return new Hono()
    .use(async (c, next) => {
      c.header("set-cookie", "before=1", { append: true });
      await next();
      c.header("set-cookie", "after=1", { append: true });
    })
    .use(session<Data>({ logger: QUIET, ...options }))
    .get("/read", (c) => c.json([c.var.session.isNew, c.var.session]))
    .get("/set", (c) => {
      c.var.session.x = 1;
      return c.text("set");
    })
    .get("/do/:end/:actions{.*}", async (c) => {
      c.header("set-cookie", "sidecar=1; Path=/sid=", { append: true });
      for (const name of c.req.param("actions").split(",").filter(Boolean)) {
        await ACTIONS[name]!(c);
      }
      return await ENDS[c.req.param("end")]!(c);
    })
    .notFound((c) => {
      c.header("set-cookie", "missing=1", { append: true });
      return c.text("missing", 404);
    })
    .onError((_error, c) => {
      c.header("set-cookie", "error=1", { append: true });
      return c.text("error", 500);
    });
}

/** The names of all cookies but the session's that an end sets. */
function others(end: string): string[] {
  const own = { throws: ["error"], "finds nothing": ["missing"] }[end] ?? [];
  return ["after", "before", "sidecar", ...own].sort();
}

const ATTRIBUTES =
  "; Domain=app.test; Path=/app; HttpOnly; Secure; SameSite=None; Priority=High; " +
  "Partitioned";

Deno.test("cookies: one session cookie at most, and all others, after every order of write, renew, regenerate, destroy and startSession", async () => {
  const map = new MapStore();
  const app = setup({
    store: map,
    cookieOptions: {
      domain: "app.test",
      path: "/app",
      sameSite: "None",
      partitioned: true,
      priority: "High",
    },
  });
  let runs = 0;
  for (const actions of sequences()) {
    for (const end of Object.keys(ENDS)) {
      for (const before of [undefined, { x: 1 }]) {
        const name = `${before ? "a session" : "none"}: ${actions.join(", ")}, ${end}`;
        const set = before && setCookies(await app.request("/set"))[0]!.split(";")[0]!;
        const size = map.size;
        const headers = { cookie: set ?? "" };
        const response = await app.request(`/do/${end}/${actions.join(",")}`, { headers });
        await response.body?.cancel();
        runs++;

        const lines = setCookies(response);
        assert(lines.length <= 1, `${name}: ${lines}`);
        const names = response.headers.getSetCookie().map((line) => line.split("=")[0]!)
          .filter((each) => each !== "sid").sort();
        assertEquals(names, others(end), name);
        for (const line of lines) {
          assertEquals(line.replace(/^sid=[^;]*; Max-Age=(0|86400)/, ""), ATTRIBUTES, name);
        }

        const failed = end === "fails" || end === "throws";
        const wanted = expected(before, actions, failed);
        const cookie = lines[0]?.split(";")[0] ?? set ?? "";
        const read = await app.request("/read", { headers: { cookie } });
        assertEquals(await read.json(), [!wanted, wanted ?? {}], name);
        assertEquals(map.size, size + (wanted ? 1 : 0) - (before ? 1 : 0), `${name}: records`);
        const moved = actions.some((each) => !["write", "renew"].includes(each));
        if (set && moved) {
          const old = await app.request("/read", { headers: { cookie: set } });
          assertEquals(await old.json(), [true, {}], `${name}: the old token`);
        }
        if (/Max-Age=0/.test(lines[0] ?? "")) assertEquals(wanted, undefined, name);
      }
    }
  }
  assertEquals(runs, 326 * 5 * 2);
});

Deno.test("cookies: one session cookie at most, and all others, of a session that is in its cookie", async () => {
  const app = setup({ store: new EncryptedCookieStore({ secret: SECRET }) });
  const set = setCookies(await app.request("/set"))[0]!.split(";")[0]!;
  for (const actions of sequences()) {
    for (const end of ["answers", "throws"]) {
      for (const before of [undefined, { x: 1 }]) {
        const name = `${before ? "a session" : "none"}: ${actions.join(", ")}, ${end}`;
        const headers = { cookie: before ? set : "" };
        const response = await app.request(`/do/${end}/${actions.join(",")}`, { headers });
        await response.body?.cancel();
        const lines = setCookies(response);
        assert(lines.length <= 1, `${name}: ${lines}`);
        assertEquals(response.headers.getSetCookie().length - lines.length, others(end).length);
        const cookie = lines[0]?.split(";")[0] ?? headers.cookie;
        const read = await app.request("/read", { headers: { cookie } });
        const wanted = expected(before, actions, end === "throws");
        assertEquals(await read.json(), [!wanted, wanted ?? {}], name);
      }
    }
  }
});

Deno.test("cookies: what the application sets under the session's name gives way to the session's", async () => {
  for (const existsCookieName of [undefined, "exists"]) {
    const app = new Hono()
      .use(session<Data>({
        store: new MapStore(),
        ...(existsCookieName ? { existsCookieName } : {}),
      }))
      .get("/:do", async (c) => {
        c.header("set-cookie", "sid=planted; Path=/", { append: true });
        c.header("set-cookie", "sid=planted; Path=/other", { append: true });
        c.header("set-cookie", "exists=planted", { append: true });
        await ACTIONS[c.req.param("do")]!(c);
        return c.text("done");
      });
    const written = await app.request("/write");
    const [cookie, more] = setCookies(written);
    assertMatch(cookie!, /^sid=[\w-]{43}; Max-Age/);
    assertEquals([more, setCookies(written, "exists").length], [undefined, 1]);
    const headers = { cookie: cookie!.split(";")[0]! };
    const deleted = setCookies(await app.request("/destroy", { headers }));
    assertEquals(deleted.length, 1);
    assertMatch(deleted[0]!, /^sid=; Max-Age=0;/);
  }
});
