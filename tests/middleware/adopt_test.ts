import {
  createSessions,
  getSession,
  requireSession,
  session,
  type SessionEnv,
  type SessionManager,
  type SessionOptions,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { Browser } from "../_support/device.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  name?: string;
}

type Adopt = NonNullable<SessionOptions<Data>["adopt"]>;

const UNTIL = new Date(Date.now() + 86_400_000);
const headers = { cookie: "old=1" };

function adopting(changes: Partial<Adopt> = {}): Adopt {
  return { cookie: "old", until: UNTIL, read: () => ({ data: { name: "Ada" } }), ...changes };
}

function appOf(sessions: SessionManager<Data>): Hono {
  const app = new Hono<SessionEnv<Data>>()
    .use(sessions.middleware())
    .get("/me", (c) => c.text(c.var.session.name ?? "nobody"));
  return new Hono().route("/", app);
}

Deno.test("adopt: a lazy session is adopted when it is asked for, and not before", async () => {
  let reads = 0;
  const read = () => {
    reads++;
    return { data: { name: "Ada" } };
  };
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), lazy: true, adopt: adopting({ read }) }))
    .get("/static", (c) => c.text("static"))
    .get("/me", async (c) => c.text((await getSession<Data>(c)).name ?? "nobody"));
  const client = new Client(app);
  const first = await client.fetch("/static", { headers });
  assertEquals([await first.text(), first.headers.getSetCookie(), reads], ["static", [], 0]);
  assertEquals(await client.text("/me", { headers }), "Ada");
  assertEquals([await client.text("/me"), reads], ["Ada", 1]);
});

Deno.test("adopt: a guard lets a session through that is adopted for its request", async () => {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), adopt: adopting() }))
    .use(requireSession<{ name: string }>({ has: ["name"] }))
    .get("/me", (c) => c.text(c.var.session.name));
  assertEquals((await app.request("/me")).status, 401);
  assertEquals(await (await app.request("/me", { headers })).text(), "Ada");
});

Deno.test("adopt: two sessions of one application adopt each its own from the same cookie", async () => {
  const store = new MapStore();
  const app = new Hono()
    .use(session<Data>({ store, adopt: adopting() }))
    .use(session<Data, "admin">({
      store,
      contextKey: "admin",
      cookieName: "admin",
      adopt: adopting({ read: () => ({ data: { name: "root" } }) }),
    }))
    .get("/me", (c) => c.json([c.var.session.name, c.var.admin.name]))
    .get("/sids", (c) => c.json([c.var.session.sid, c.var.admin.sid]));
  const client = new Client(app);
  assertEquals(await client.json("/me", { headers }), ["Ada", "root"]);
  assertEquals(await client.json("/me"), ["Ada", "root"]);
  const [one, other] = await client.json("/sids") as string[];
  assert(one !== other);
});

Deno.test("adopt: a session is adopted in the scope of its first request, and lives in no other", async () => {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), scope: "host", adopt: adopting() }))
    .get("/me", (c) => c.text(c.var.session.name ?? "nobody"));
  for (const [host, name] of [["a", "Ada"], ["b", "nobody"], ["a", "Ada"]]) {
    const response = await app.request(`https://${host}.test/me`, { headers });
    assertEquals(await response.text(), name);
  }
});

Deno.test("adopt: `initial`, `migrate` and `schema` concern an adopted session like any other", async () => {
  const app = new Hono()
    .use(session<Data & { theme?: string; migrated?: boolean }>({
      store: new MapStore(),
      initial: { theme: "dark", name: "nobody" },
      migrate: (data) => ({ ...data, migrated: true }),
      adopt: adopting(),
    }))
    .get("/me", (c) => c.json(c.var.session));
  const client = new Client(app);
  const all = { theme: "dark", name: "Ada", migrated: true };
  assertEquals(await client.json("/me", { headers }), all);
  assertEquals(await client.json("/me"), all);
});

Deno.test("adopt: the cookie of the other library is cleared where it was", async () => {
  const cases: [Partial<Adopt>, SessionOptions<Data>, string | undefined][] = [
    [
      { cookieOptions: { domain: "app.test", path: "/app" } },
      {},
      "old=; Max-Age=0; Domain=app.test; Path=/app; HttpOnly; Secure; SameSite=Lax",
    ],
    [
      {},
      { cookieOptions: { prefix: "host" } },
      "old=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
    ],
    [
      { cookie: "__Host-old" },
      {},
      "__Host-old=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
    ],
    // The new cookie takes the place of the old one.
    [{ cookie: "sid" }, {}, undefined],
    [
      { cookie: "sid", cookieOptions: { domain: "app.test" } },
      {},
      "sid=; Max-Age=0; Domain=app.test; Path=/; HttpOnly; Secure; SameSite=Lax",
    ],
  ];
  for (const [adopt, options, cleared] of cases) {
    const app = new Hono()
      .use(session<Data>({ store: new MapStore(), ...options, adopt: adopting(adopt) }))
      .get("/me", (c) => c.text(c.var.session.name ?? "nobody"));
    const cookie = `${adopt.cookie ?? "old"}=1`;
    const response = await app.request("/me", { headers: { cookie } });
    assertEquals(await response.text(), "Ada");
    const [ours, theirs, ...more] = response.headers.getSetCookie();
    assertMatch(ours!, /^(?:__Host-)?sid=[\w-]{43};/);
    assertEquals([theirs, more], [cleared, []]);
  }
});

Deno.test("adopt: of several cookies of the name with different values none counts", async () => {
  const read = (value: string) => value === "good" ? { data: { name: "Ada" } } : undefined;
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), adopt: adopting({ read }) }))
    .get("/me", (c) => c.text(c.var.session.name ?? "nobody"));
  const ask = async (cookie: string) =>
    await (await app.request("/me", { headers: { cookie } })).text();
  assertEquals(await ask("old=bad; old=good; old=other"), "nobody");
  assertEquals(await ask("old=good; old=good"), "Ada");
});

Deno.test("adopt: a session is not adopted after the end of those of everybody, though its adoption began before", async () => {
  const gate = new Gate();
  class SlowList extends MapStore {
    override async *list(...args: Parameters<MapStore["list"]>): ReturnType<MapStore["list"]> {
      await gate.pass();
      yield* super.list(...args);
    }
  }
  const store = new SlowList();
  // Two processes, and none follows the other.
  const processes = [1, 2].map(() =>
    createSessions<Data>({
      store,
      revokeEverything: { every: 0 },
      maxSessions: { limit: 3 },
      adopt: adopting({ read: () => ({ data: { name: "Ada" }, subject: "ada" }) }),
    })
  );
  const asking = processes.map((sessions) => new Client(appOf(sessions)).text("/me", { headers }));
  await gate.arrived(2);
  await processes[0]!.revokeEverything();
  gate.open();
  assertEquals(await Promise.all(asking), ["nobody", "nobody"]);
  assertEquals(await processes[0]!.count("ada"), 0);
});

Deno.test("adopt: a logout also ends a session that another process is adopting", async () => {
  const gate = new Gate();
  class SlowMove extends FaultyStore {
    moves = 0;
    override async replace(
      ...args: Parameters<FaultyStore["replace"]>
    ): ReturnType<FaultyStore["replace"]> {
      if (++this.moves === 1) await gate.pass();
      return await super.replace(...args);
    }
  }
  const store = new SlowMove(new MapStore());
  const [slow, fast] = [1, 2].map(() =>
    new Client(
      new Hono()
        .use(session<Data>({ store, adopt: adopting() }))
        .get("/me", (c) => c.text(c.var.session.name ?? "nobody"))
        .get("/login", (c) => c.text(c.var.session.name = "Eve"))
        .get("/logout", (c) => c.text(String(c.var.session.destroy()))),
    )
  );
  await fast!.text("/login");
  const asking = slow!.text("/me", { headers });
  await gate.arrived();
  await fast!.text("/logout", {
    headers: { cookie: `${await fast!.cookie()}; ${headers.cookie}` },
  });
  gate.open();
  assertEquals(await asking, "nobody");
  assertEquals(await slow!.text("/me", { headers }), "nobody");
  assertEquals(store.moves, 1, "a logout adopts nothing: that could evict a session of the user");
});

Deno.test("adopt: a session is adopted by its first request, though those of everybody were ended before", async () => {
  const options = { store: new MapStore(), revokeEverything: { every: 0 } };
  await createSessions(options).revokeEverything();
  const client = new Client(appOf(createSessions<Data>({ ...options, adopt: adopting() })));
  assertEquals(await client.text("/me", { headers }), "Ada");
  assertEquals(await client.text("/me"), "Ada");
});

Deno.test("adopt: a value reaches the application decoded, and no longer than a browser's cookie", async () => {
  const values: string[] = [];
  const read = (value: string) => void values.push(value);
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), adopt: adopting({ read }) }))
    .get("/", (c) => c.text("ok"));
  const cookies = ["s%3Aid.sig%2F", '"quoted"', "%zz", "x".repeat(4096), "x".repeat(4097)];
  for (const cookie of cookies) {
    const response = await app.request("/", { headers: { cookie: `old=${cookie}` } });
    assertEquals([response.status, response.headers.getSetCookie()], [200, []]);
  }
  assertEquals(values, ["s:id.sig/", "quoted", "%zz", "x".repeat(4096)]);
});

Deno.test("adopt: what is no session is a fault of the application that names the option, without what it holds", async () => {
  const wrong: [value: unknown, says: string][] = [
    [{}, "adopt.read().data is not valid: it is missing"],
    [{ userId: "secret" }, "adopt.read().userId; there are data, subject, expiresAt"],
    [{ data: ["secret"] }, "adopt.read().data is not valid: a plain object is required"],
    [
      { data: new Map([["secret", 1]]) },
      "adopt.read().data is not valid: a plain object is required",
    ],
    ["secret", "adopt.read() is not valid: a plain object is required"],
    [["secret"], "adopt.read() is not valid: a plain object is required"],
    [{ data: {}, meta: "secret" }, "adopt.read().meta; there are data"],
    [{ data: {}, subject: 42 }, "adopt.read().subject is not valid: a string is required"],
    [{ data: {}, subject: "" }, "a well-formed string of 1 to 256 characters is required"],
    [{ data: {}, expiresAt: 1 }, "adopt.read().expiresAt is not valid: a valid Date is required"],
    [{ data: {}, expiresAt: new Date(NaN) }, "a valid Date is required"],
    [{ data: { sid: "secret" } }, "sid"],
    [{ data: { at: new Date() } }, "session.at is a Date"],
  ];
  for (const [value, says] of wrong) {
    const store = new FaultyStore(new MapStore());
    const errors: string[] = [];
    const app = new Hono()
      .use(session<Data>({ store, adopt: adopting({ read: () => value as never }) }))
      .get("/", (c) => c.text("ok"))
      .onError((error, c) => {
        errors.push(error.message);
        return c.text("failed", 500);
      });
    assertEquals((await app.request("/", { headers })).status, 500);
    assertStringIncludes(errors.join(), says);
    assertEquals([errors.length, errors.join().includes("secret")], [1, false], says);
    assertEquals(store.calls().filter((call) => call !== "read"), [], says);
  }
});

Deno.test("adopt: what read() throws is a failure of the old store, unless it says that the cookie can't be parsed", async () => {
  const failures: string[] = [];
  const makeApp = (read: () => undefined) =>
    new Hono()
      .use(session<Data>({
        store: new MapStore(),
        adopt: adopting({ read }),
        events: { storeError: ({ operation }) => void failures.push(operation) },
      }))
      .get("/", (c) => c.text(c.var.session.name ?? "nobody"));
  const parsed = [
    () => void JSON.parse("secret"),
    () => void decodeURIComponent("%"),
    (): never => {
      throw new SyntaxError();
    },
  ];
  for (const read of parsed) {
    assertEquals(await (await makeApp(read).request("/", { headers })).text(), "nobody");
  }
  assertEquals(failures, []);
  for (const error of [new Error("down"), new TypeError("fetch failed"), "down", null]) {
    const app = makeApp(() => {
      throw error;
    });
    const response = await app.request("/", { headers });
    assertEquals([response.status, response.headers.getSetCookie()], [503, []]);
  }
  const teapot = () => {
    throw new HTTPException(418);
  };
  assertEquals((await makeApp(teapot).request("/", { headers })).status, 503);
  assertEquals(failures, ["adopt", "adopt", "adopt", "adopt", "adopt"]);
});

Deno.test("adopt: an old store that hangs is answered in time", async () => {
  const gate = new Gate();
  const read = () => gate.pass().then(() => undefined);
  const app = new Hono()
    .use(session<Data>({
      store: new MapStore(),
      storeTimeout: 0.02,
      adopt: adopting({ read }),
      logger: { error() {}, warn() {} },
    }))
    .get("/", (c) => c.text("ok"));
  const started = performance.now();
  const responses = await Promise.all([1, 2, 3].map(() => app.request("/", { headers })));
  assertEquals(responses.map(({ status }) => status), [503, 503, 503]);
  assert(performance.now() - started < 5000);
  gate.open();
});

Deno.test("adopt: a token in the header counts before the cookie of the other library", async () => {
  const sessions = createSessions<Data>({
    store: new MapStore(),
    token: { secret: "at least thirty-two characters, for a test", maxAge: 60 },
    adopt: adopting(),
  });
  const app = new Hono().use(sessions.middleware())
    .get("/me", (c) => c.text(c.var.session.name ?? "nobody"))
    .get("/token", (c) => c.text(c.get("sessionToken") ?? "none"));
  const { token } = await sessions.create({ name: "Bob" });
  const both = { ...headers, authorization: `Bearer ${token}` };
  assertEquals(await (await app.request("/me", { headers: both })).text(), "Bob");
  const bad = { ...headers, authorization: "Bearer nonsense" };
  assertEquals(await (await app.request("/me", { headers: bad })).text(), "Ada");
  const adopted = await (await app.request("/token", { headers })).text();
  const mine = { authorization: `Bearer ${adopted}` };
  assertEquals(await (await app.request("/me", { headers: mine })).text(), "Ada");
});

Deno.test("adopt: a stranger who has planted an old cookie gains nothing by the login of the victim", async () => {
  const clock = new FakeClock(Date.now());
  const app = new Hono()
    .use(
      session<Data>({
        store: new MapStore({ clock: clock.now }),
        clock: clock.now,
        adopt: adopting(),
      }),
    )
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = "Victim";
      return c.text("ok");
    })
    .get("/me", (c) => c.text(c.var.session.name ?? "nobody"));
  const stranger = new Client(app);
  assertEquals(await stranger.text("/me", { headers }), "Ada");
  const victim = new Client(app);
  await victim.text("/login", { headers });
  assertEquals(await victim.text("/me"), "Victim");
  assertEquals(await stranger.text("/me"), "nobody");
  assertEquals(await stranger.text("/me", { headers }), "nobody");
});

Deno.test("adopt: the trace of an adopted session holds the new token only for whoever has the old one", async () => {
  const records = new Map<string, unknown>();
  const app = new Hono()
    .use(
      session<Data>({
        store: records,
        adopt: adopting({ read: () => ({ data: { name: "Ada" } }) }),
      }),
    )
    .get("/me", (c) => c.text(c.var.session.name ?? "nobody"));
  const cookie = "old=a-token-of-the-other-library";
  const response = await app.request("/me", { headers: { cookie } });
  await response.text();
  const token = /sid=([\w-]{43})/.exec(response.headers.getSetCookie()[0]!)![1]!;
  const stored = JSON.stringify([...records]);
  assertEquals(records.size, 2);
  assert(!stored.includes(token) && !stored.includes("a-token-of-the-other-library"));
});

Deno.test("adopt: a session that is bound to a device and not proven is a session, whose cookie no adoption overwrites", async () => {
  const clock = new FakeClock(Date.now());
  let reads = 0;
  const read = () => {
    reads++;
    return { data: { name: "Mallory" } };
  };
  const app = new Hono()
    .use(session<Data>({
      store: new MapStore({ clock: clock.now }),
      clock: clock.now,
      secret: "at least thirty-two characters, for a test",
      device: true,
      adopt: adopting({ read }),
    }))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = "Ada";
      return c.text("ok");
    })
    .get("/me", (c) => c.text(c.var.session.name ?? "nobody"));
  const browser = await Browser.open(app);
  await (await browser.login("/login")).text();
  clock.advance(601);
  const both = { cookie: `${await browser.cookie()}; old=planted` };
  const response = await browser.fetch("/me", { headers: both });
  assertEquals([await response.text(), response.headers.getSetCookie()], ["nobody", []]);
  assertEquals(reads, 0);
  assertEquals((await browser.refresh()).status, 200);
  assertEquals(await browser.text("/me"), "Ada");
});
