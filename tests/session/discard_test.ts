import {
  getSession,
  type Session,
  session,
  SessionEndedError,
  type SessionEnv,
  type SessionOptions,
  type SessionRecord,
} from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { type Context, Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { COOKIE_STORES } from "../_support/cookie_stores.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  a?: number;
  b?: number;
  cart?: string[];
  notice?: string;
  other?: string;
}

type Handler = (session: Session<Data>, c: Context<SessionEnv<Data>>) => unknown;

const QUIET = { error() {}, warn() {} };

function setup(handlers: Record<string, Handler>, options: SessionOptions<Data> = {}) {
  const watch = new FaultyStore(new MapStore());
  const failures: unknown[] = [];
  const app = new Hono<SessionEnv<Data>>();
  app.use(session<Data>({ store: watch, logger: QUIET, ...options }));
  const all: Record<string, Handler> = {
    "/set": (session) => {
      session.a = 1;
      session.cart = ["apple"];
      session.subject = "user:42";
      session.meta = { device: "phone" };
    },
    "/flash": (session) => session.flash("notice", "saved"),
    "/read": (session, c) => c.json(session),
    ...handlers,
  };
  for (const [path, handle] of Object.entries(all)) {
    app.get(path, async (c) => {
      try {
        const answer = await handle(await getSession<Data>(c), c);
        return answer instanceof Response ? answer : c.text("done");
      } catch (error) {
        failures.push(error);
        return c.text("failed", 500);
      }
    });
  }
  const client = new Client(app);
  return {
    app,
    client,
    watch,
    async text(path: string): Promise<Response> {
      const response = await client.fetch(path);
      await response.body?.cancel();
      if (failures.length) throw failures[0];
      return response;
    },
  };
}

/** Calls of a store but the look at a subject, which a login begins with. */
function withoutLook(calls: string[]): string[] {
  return calls.filter((call) => call !== "generation");
}

/** What a request changes. */
const CHANGES: Record<string, Handler> = {
  "a key that is assigned": (session) => session.a = 2,
  "a key that is new": (session) => session.b = 2,
  "a key that is deleted": (session) => delete session.a,
  "a nested value": (session) => session.cart!.push("pear"),
  "all data": (_, c) => c.set("session", { b: 5 } as never),
  "what would not survive JSON": (session) => session.a = NaN,
  "a flashed value": (session) => session.flash("notice", "new"),
  "a flashed value over data": (session) => session.flash("a", 7),
  "reflash()": (session) => session.reflash(),
  "the subject": (session) => session.subject = "user:1",
  "no subject": (session) => session.subject = undefined,
  "meta": (session) => session.meta = { device: "laptop" },
  "the lifetime": (session) => session.renew(5),
  "a lifetime of its own": (session) => session.renew("browser"),
  "the cookie": (_, c) => c.get("sessionCookie").sameSite = "Strict",
  "all of it": async (session, c) => {
    for (const [name, change] of Object.entries(CHANGES)) {
      if (name !== "all of it") await change(session, c);
    }
  },
};

for (const [name, change] of Object.entries(CHANGES)) {
  Deno.test(`discard() forgets what was changed: ${name}`, async () => {
    for (const lazy of [false, true]) {
      const store = new Map<string, SessionRecord>();
      const { client, text } = setup({
        "/": async (session, c) => {
          const before = [
            structuredClone({ ...session }),
            session.subject,
            session.meta,
            session.expiresAt,
          ];
          await change(session, c);
          session.discard();
          assert(!session.hasChanged);
          assertEquals([{ ...session }, session.subject, session.meta, session.expiresAt], before);
          assertEquals(c.get("sessionCookie").sameSite, "Lax");
        },
      }, { store, lazy });
      await text("/set");
      const [record] = store.values();
      const response = await text("/");
      assertEquals(response.headers.getSetCookie(), []);
      assertEquals([...store.values()], [record!], "nothing was written");
      assertEquals(await client.json("/read"), { a: 1, cart: ["apple"] });
    }
  });

  Deno.test(`discard() leaves a visitor who has no session as he was: ${name}`, async () => {
    const { client, text, watch } = setup({
      "/": async (session, c) => {
        session.cart!.push("plum");
        await change(session, c);
        session.discard();
        assertEquals({ ...session }, { cart: ["apple"] });
        assert(session.isNew && !session.hasChanged);
      },
    }, { initial: { cart: ["apple"] } });
    assertEquals((await text("/")).headers.getSetCookie(), []);
    assertEquals(withoutLook(watch.calls()), []);
    assertEquals(await client.cookie(), "");
  });
}

Deno.test("discard() keeps what was saved, and what is changed after it", async () => {
  const { client, text } = setup({
    "/": async (session) => {
      session.a = 2;
      session.flash("notice", "saved before");
      await session.save();
      session.a = 3;
      session.b = 3;
      session.notice = "data";
      session.discard();
      assertEquals({ ...session }, { a: 2, cart: ["apple"], notice: "saved before" });
      session.b = 4;
      session.flash("other", "after");
    },
  });
  await text("/set");
  await text("/");
  const data = { a: 2, b: 4, cart: ["apple"] };
  assertEquals(await client.json("/read"), {
    ...data,
    notice: "saved before",
    other: "after",
  });
  assertEquals(await client.json("/read"), data);
});

Deno.test("discard() keeps what update() committed, and on a cookie session forgets it", async () => {
  const handlers: Record<string, Handler> = {
    "/": async (session) => {
      session.b = 5;
      assertEquals(await session.update("a", (a = 0) => a + 1), 2);
      session.a = 9;
      session.discard();
    },
  };
  using kv = await Deno.openKv(":memory:");
  for (const store of [new MapStore(), new DenoKvStore({ kv })]) {
    const { client, text } = setup(handlers, { store });
    await text("/set");
    await text("/");
    assertEquals(await client.json("/read"), { a: 2, cart: ["apple"] });
  }
  for (const make of Object.values(COOKIE_STORES)) {
    const { client, text } = setup(handlers, { store: make({}) });
    await text("/set");
    await text("/");
    assertEquals(await client.json("/read"), { a: 1, cart: ["apple"] });
  }
});

Deno.test("discard() after a first write keeps what that wrote", async () => {
  const saves: Handler[] = [
    (session) => session.update("a", () => 1),
    (session) => {
      session.a = 1;
      return session.save();
    },
  ];
  for (const save of saves) {
    const { client, text } = setup({
      "/": async (session) => {
        session.b = 5;
        session.flash("notice", "saved");
        await save(session, undefined as never);
        session.b = 6;
        session.flash("notice", "not saved");
        session.discard();
        assert(!session.isNew);
        assertEquals({ ...session }, { a: 1, b: 5, notice: "saved" });
      },
    });
    await text("/");
    assertEquals(await client.json("/read"), { a: 1, b: 5, notice: "saved" });
    assertEquals(await client.json("/read"), { a: 1, b: 5 });
  }
});

Deno.test("discard() keeps an end and a new token", async () => {
  const { client, text } = setup({
    "/login": async (session) => {
      await session.regenerate();
      session.subject = "user:1";
      session.a = 5;
      session.discard();
      assertEquals(session.subject, "user:42");
    },
    "/logout": (session, c) => {
      session.destroy();
      session.discard();
      c.var.session.discard();
    },
    "/switch": async (session, c) => {
      session.destroy();
      c.set("session", { b: 7 } as never);
      c.var.session.discard();
      assertEquals({ ...c.var.session }, {});
      await assertRejects(() => session.save(), SessionEndedError);
    },
  });
  await text("/set");
  const before = await client.thief();
  assertEquals((await text("/login")).headers.getSetCookie().length, 1);
  assertNotEquals(await client.cookie(), await before.cookie());
  assertEquals(await client.json("/read"), { a: 1, cart: ["apple"] });
  assertEquals(await before.json("/read"), {});
  for (const path of ["/logout", "/switch"]) {
    const thief = await client.thief();
    await text(path);
    assertEquals(await client.cookie(), "", path);
    assertEquals(await thief.json("/read"), {}, path);
    await text("/set");
  }
});

Deno.test("discard() shows what was flashed before again, for this request alone", async () => {
  const { client, text } = setup({
    "/": (session, c) => {
      session.notice = "data";
      session.discard();
      assertEquals(session.notice, "saved");
      session.flash("notice", "new");
      session.discard();
      delete session.notice;
      session.discard();
      return c.json(session);
    },
    "/kept": async (session, c) => {
      session.reflash();
      await session.save();
      session.notice = "data";
      session.discard();
      return c.json(session);
    },
    "/again": async (session, c) => {
      session.flash("notice", "saved");
      await session.save();
      session.discard();
      return c.json(session);
    },
  });
  await text("/flash");
  assertEquals(await client.json("/"), { notice: "saved" });
  assertEquals(await client.json("/read"), {});
  await text("/flash");
  for (const path of ["/kept", "/again"]) {
    assertEquals(await client.json(path), { notice: "saved" });
    assertEquals(await client.json("/read"), { notice: "saved" }, path);
    assertEquals(await client.json("/read"), {});
    await text("/flash");
  }
});

Deno.test("discard() leaves what another request flashes meanwhile to the next one", async () => {
  const gate = new Gate();
  const { client, text } = setup({
    "/slow": async (session) => {
      await gate.pass();
      session.b = 2;
      session.flash("notice", "slow");
      await session.save();
      session.discard();
      session.b = 3;
    },
    "/other": (session) => session.flash("other", "from elsewhere"),
  });
  await text("/set");
  const slow = client.text("/slow");
  await gate.arrived();
  await text("/other");
  gate.open();
  await slow;
  assertEquals(await client.json("/read"), {
    a: 1,
    b: 3,
    cart: ["apple"],
    notice: "slow",
    other: "from elsewhere",
  });
});

Deno.test("discard() forgets a login whose store fails as well", async () => {
  const { client, text, watch } = setup({
    "/": (session) => {
      watch.inject("generation", "fail", 1);
      session.subject = "user:1";
      session.discard();
      session.b = 2;
    },
  });
  await text("/set");
  assertEquals((await text("/")).status, 200);
  assertEquals(await client.json("/read"), { a: 1, b: 2, cart: ["apple"] });
});

Deno.test("discard() after a failed save() forgets what was asked of the session", async () => {
  const clock = new FakeClock();
  const store = new FaultyStore(new MapStore({ clock: clock.now }));
  const { client, text } = setup({
    "/": async (session) => {
      session.a = 2;
      session.renew(5);
      session.subject = "user:1";
      store.inject("update", "fail", 1);
      await assertRejects(() => session.save());
      session.discard();
    },
    "/subject": (session, c) => c.text(String(session.subject)),
  }, { store, clock: clock.now });
  await text("/set");
  store.calls();
  await text("/");
  assertEquals(withoutLook(store.calls()), ["read", "update"]);
  assertEquals(await client.text("/subject"), "user:42");
});

Deno.test("discard() shows the data as schema and migrate brought them up to date", async () => {
  const { client, text } = setup({
    "/": (session) => {
      session.a = 9;
      session.discard();
      assertEquals({ ...session }, { a: 1, b: 100, cart: ["apple"] });
    },
  }, { migrate: (data) => ({ ...data, b: 100 }) });
  await text("/set");
  await text("/");
  assertEquals(await client.json("/read"), { a: 1, b: 100, cart: ["apple"] });
});

Deno.test("discard() after the response drops what nobody saves", async () => {
  let held: Session<Data> | undefined;
  const { client, text } = setup({ "/hold": (session) => held = session });
  await text("/set");
  await text("/hold");
  held!.a = 2;
  held!.discard();
  assertEquals({ ...held }, { a: 1, cart: ["apple"] });
  held!.b = 3;
  await held!.save();
  assertEquals(await client.json("/read"), { a: 1, b: 3, cart: ["apple"] });
});

Deno.test("discard() in an outage forgets a nested change, which would fail the request", async () => {
  const { client, text, watch } = setup({
    "/": (session) => {
      session.cart!.push("pear");
      session.discard();
      assertEquals(session.cart, ["plum"]);
    },
  }, { onStoreError: "anonymous", initial: { cart: ["plum"] } });
  await text("/set");
  watch.inject("read", "fail");
  assertEquals((await text("/")).status, 200);
  watch.heal();
  assertEquals(await client.json("/read"), { a: 1, cart: ["apple"] });
});

Deno.test("discard() in a login that comes second leaves nothing of the session but what is put in after it", async () => {
  for (const after of [{}, { a: 1 }]) {
    const gate = new Gate();
    const { client, text } = setup({
      "/login": (session) => session.regenerate(),
      "/slow": async (session) => {
        await session.regenerate();
        session.a = 5;
        session.cart = ["half"];
        await gate.pass();
        session.discard();
        Object.assign(session, after);
        session.flash("notice", "name is missing");
      },
    });
    await text("/set");
    const second = await client.thief();
    const slow = second.text("/slow");
    await gate.arrived();
    await text("/login");
    gate.open();
    assertEquals(await slow, "done");
    assertEquals(await second.json("/read"), { ...after, notice: "name is missing" });
    assertEquals(await client.json("/read"), { a: 1, cart: ["apple"] });
  }
});
