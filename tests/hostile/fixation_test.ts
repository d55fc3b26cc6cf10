import type { Session, SessionOptions } from "@x/hono-session";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { hashToken } from "../../src/crypto/store_key.ts";
import { OLDER_SECRET, SECRET } from "../_support/cookie_stores.ts";
import { Gate } from "../_support/gate.ts";
import { type Data, readAs, setCookies, setup } from "./_app.ts";

const LOGINS = ["/login/Ada", "/start/Ada", "/switch/Ada"];

type Scene = ReturnType<typeof setup>;

/** What an attacker can make a victim's browser send; what the attacker holds of it afterwards is the same. */
const PLANTED: Record<string, (scene: Scene) => string | Promise<string>> = {
  "a token that was never given": () => "A".repeat(43),
  "an empty one": () => "",
  "one that is too short": () => "A".repeat(42),
  "one that is too long": () => "A".repeat(44),
  "one with a path": () => `../${"A".repeat(40)}`,
  "one with a NUL": () => `${"A".repeat(42)}%00`,
  "one with a line": () => `${"A".repeat(43)}%0a`,
  "one of Unicode": () => encodeURIComponent("ａ".repeat(43)),
  "a sid": () => "A".repeat(22),
  "a JWT": () => "eyJhbGciOiJub25lIn0.eyJzaWQiOiJhIn0.",
  "__proto__": () => "__proto__",
  "that of a session that has ended": async ({ app, client }) => {
    await client.text("/add/bait");
    const thief = await client.thief();
    await app.request("/logout", { headers: { cookie: await client.cookie() } });
    return (await thief.value())!;
  },
  "that of a session that has expired": async ({ client, clock }) => {
    await client.text("/add/bait");
    const token = (await client.value())!;
    clock.advance(86_400);
    return token;
  },
  "that of a session that was regenerated": async ({ app, client }) => {
    await client.text("/add/bait");
    const token = (await client.value())!;
    await app.request("/login/Eve", { headers: { cookie: `sid=${token}` } });
    return token;
  },
  "that of a live session of nobody": async ({ client }) => {
    await client.text("/add/bait");
    return (await client.value())!;
  },
  "that of the attacker's own login": async ({ client }) => {
    await client.text("/login/Eve");
    return (await client.value())!;
  },
};

const SETTINGS: Record<string, SessionOptions<Data>> = {
  "": {},
  ", signed": { secret: SECRET },
  ", rotated": { rotate: { every: 0 }, rolling: true },
};

for (const [name, plant] of Object.entries(PLANTED)) {
  Deno.test(`fixation: ${name} is worth nothing when its victim has logged in (CVE-2024-38513, CVE-2023-29019)`, async () => {
    for (const [setting, options] of Object.entries(SETTINGS)) {
      for (const login of LOGINS) {
        const scene = setup(options);
        const { app, map } = scene;
        const planted = await plant(scene);
        const others = map.size;
        const headers = { cookie: `sid=${planted}` };
        const visit = await app.request("/read", { headers });
        await visit.body?.cancel();
        const response = await app.request(login, { headers });
        const [cookie] = setCookies(response);
        const own = cookie!.split(";")[0]!;
        const what = `${login}${setting}`;
        assertNotEquals(own, `sid=${planted}`, what);
        assertEquals((await readAs(app, own) as Data).name, "Ada", what);
        const attacker = await readAs(app, headers.cookie) as Data;
        assert(attacker.name !== "Ada", what);
        const [token] = planted.split(".");
        const left = await map.read(await hashToken(token!));
        assert(!JSON.stringify(left ?? null).includes("Ada"), what);
        if (!options.rotate) assert(map.size <= others + 1, `${what}: ${map.size} records`);
      }
    }
  });
}

Deno.test("fixation: a token that another secret has signed is as good as none, and costs no store call", async () => {
  const evil = setup({ secret: OLDER_SECRET });
  await evil.client.text("/login/Eve");
  const { app, rejected, store } = setup({ secret: SECRET });
  const cookie = await evil.client.cookie();
  assertEquals(await readAs(app, cookie), {});
  assertEquals([store.calls(), rejected], [[], ["forged"]]);
  const [cookieSent] = setCookies(await app.request("/login/Ada", { headers: { cookie } }));
  assert(!cookieSent!.startsWith(cookie.split(".")[0]!));
});

/** What a request of the attacker is in the middle of while the victim logs in. */
const IN_FLIGHT: Record<string, (session: Session<Data>) => unknown> = {
  reads: () => {},
  writes: (session) => session.a = 1,
  renews: (session) => session.renew(),
  flashes: (session) => session.flash("notice", "planted"),
  updates: (session) => session.update("a", () => 1),
  saves: async (session) => {
    session.a = 1;
    await session.save();
  },
  "logs in": async (session) => {
    await session.regenerate();
    session.name = "Eve";
  },
  "logs out": (session) => session.destroy(),
};

/** Adds a handler that waits before it does something to its session. */
function act(app: Scene["app"], run: (session: Session<Data>) => unknown): Gate {
  const gate = new Gate();
  app.get("/slow", async (c) => {
    await gate.pass();
    await run(c.var.session);
    return c.json(c.get("session") ?? null);
  }).onError((_error, c) => c.text("failed", 500));
  return gate;
}

for (const [what, run] of Object.entries(IN_FLIGHT)) {
  Deno.test(`fixation: a request of the attacker that ${what} while its victim logs in gets nothing of the login`, async () => {
    for (const [setting, options] of Object.entries(SETTINGS)) {
      for (const login of LOGINS) {
        const { app, client: attacker, map } = setup(options);
        const gate = act(app, run);
        await attacker.text("/add/bait");
        const victim = await attacker.thief();
        const slow = attacker.fetch("/slow");
        await gate.arrived();
        await victim.text(login);
        gate.open();
        const response = await slow;
        const name = `${login}${setting}`;
        assert(!(await response.text()).includes("Ada"), name);
        for (const line of setCookies(response)) {
          const cookie = line.split(";")[0]!;
          assert(!JSON.stringify(await readAs(app, cookie)).includes("Ada"), name);
        }
        assert(!JSON.stringify(await attacker.json("/read")).includes("Ada"), name);
        const { name: user, a, notice } = await victim.json("/read") as Data;
        assertEquals({ user, a, notice }, { user: "Ada", a: undefined, notice: undefined }, name);
        // A login of the attacker is one of its own.
        if (!options.rotate) {
          const isLogin = what === "logs in" && login.startsWith("/login");
          assertEquals(map.size, isLogin ? 2 : 1, name);
        }
      }
    }
  });
}
