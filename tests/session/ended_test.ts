import {
  endSession,
  getSession,
  type Session,
  session,
  SessionEndedError,
  type SessionEnv,
  type SessionOptions,
  startSession,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { type Context, Hono } from "hono";
import { inspect } from "node:util";
import { Client } from "../_support/client.ts";
import { SECRET } from "../_support/cookie_stores.ts";

interface Data {
  user?: string;
  cart?: string[];
}

type AppContext = Context<SessionEnv<Data>>;

/** The ways in which a handler ends its session. */
const ENDS: Record<string, (c: AppContext) => unknown> = {
  "c.session = null": (c) => Reflect.set(c, "session", null),
  'c.set("session", null)': (c) => c.set("session", null as never),
  "destroy()": (c) => c.var.session.destroy(),
  "endSession()": (c) => endSession(c),
};

/** Logs in, then runs a handler that has ended its session. */
async function afterEnd(
  end: (c: AppContext) => unknown,
  run: (c: AppContext, held: Session<Data>) => unknown,
  options: SessionOptions<Data> = {},
): Promise<{ client: Client; response: Response }> {
  const failures: unknown[] = [];
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), ...options }))
    .get("/login", (c) => {
      c.var.session.user = "Ada";
      c.var.session.cart = ["apple"];
      c.var.session.subject = "user:42";
      c.var.session.meta = { device: "phone" };
      c.var.session.flash("notice", "Welcome");
      return c.text("welcome");
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/", async (c) => {
      await getSession(c);
      const held = c.var.session;
      await end(c);
      try {
        await run(c, held);
      } catch (error) {
        failures.push(error);
      }
      return c.text("done");
    });
  const client = new Client(app);
  await client.text("/login");
  const response = await client.fetch("/");
  if (failures.length) throw failures[0];
  assertEquals(await response.text(), "done");
  return { client, response };
}

/** All that can be read of an empty session. */
function assertReadsEmpty(session: Session<Data>): void {
  const shown = session as Session<Record<string, unknown>>;
  assertEquals(session.user, undefined);
  assertEquals(session.cart?.length, undefined);
  assertEquals(["user" in session, Object.hasOwn(session, "user")], [false, false]);
  assertEquals([Object.keys(session), { ...session }, session.toJSON()], [[], {}, {}]);
  for (const key in session) assert(typeof shown[key] === "function", key);
  assertEquals([JSON.stringify(session), JSON.stringify({ session })], ["{}", '{"session":{}}']);
  assertEquals([session.isNew, session.hasChanged], [true, false]);
  assertEquals([session.subject, session.meta], [undefined, undefined]);
  assertMatch(session.sid, /^[\w-]{22}$/);
  assert(session.expiresAt.getTime() <= Date.now(), "it has ended");
  for (const text of [Deno.inspect(session), inspect(session), Deno.inspect([session])]) {
    assertMatch(text, /Session \{ sid: "[\w-]{22}", isNew: true \}/);
  }
  assertEquals(`${session}`, "[object Object]");
}

for (const [name, end] of Object.entries(ENDS)) {
  Deno.test(`after ${name} the session reads as an empty one, wherever it is read`, async () => {
    const { client, response } = await afterEnd(end, async (c, held) => {
      const places = [
        c.var.session,
        c.get("session"),
        Reflect.get(c, "session"),
        await getSession<Data>(c),
      ];
      for (const place of places) {
        assert(place === c.var.session, "the same in all places");
        assertReadsEmpty(place);
        assertEquals(place.sid, held.sid, "what has ended has a name in logs");
      }
      assertReadsEmpty(held);
      held.destroy();
      c.var.session.destroy();
      await end(c);
    });
    assertMatch(response.headers.getSetCookie()[0]!, /^sid=; Max-Age=0/);
    assertEquals(await client.json("/read"), {});
  });
}

/** What changes a session. */
const CHANGES: Record<string, (session: Session<Record<string, unknown>>) => unknown> = {
  "assignment": (session) => session.user = "Eve",
  "assignment of a new key": (session) => session.other = 1,
  "assignment of subject": (session) => session.subject = "user:1",
  "assignment of meta": (session) => session.meta = {},
  "confirm": (session) => session.confirm("password"),
  "assignment of a reserved name": (session) => Reflect.set(session, "sid", "x"),
  "assignment of __proto__": (session) => Reflect.set(session, "__proto__", { user: "Eve" }),
  "Object.assign": (session) => Object.assign(session, { user: "Eve" }),
  "a list that is begun": (session) => session.cart ??= ["pear"],
  "flash": (session) => session.flash("notice", "Bye"),
  "reflash": (session) => session.reflash(),
  "renew": (session) => session.renew(),
  "regenerate": (session) => session.regenerate(),
  "update": (session) => session.update("count", () => 1),
  "save": (session) => session.save(),
};

/** What changes it from outside: the object that a handler kept is an object like any other there. */
const OUTSIDE: typeof CHANGES = {
  "delete": (session) => delete session.user,
  "Reflect.deleteProperty": (session) => Reflect.deleteProperty(session, "user"),
  "Object.defineProperty": (session) => Object.defineProperty(session, "user", { value: 1 }),
  "Object.setPrototypeOf": (session) => Object.setPrototypeOf(session, { user: "Eve" }),
  "Object.freeze": (session) => Object.freeze(session),
};

async function assertRefused(change: () => unknown): Promise<void> {
  // deno-lint-ignore require-await -- To catch what is thrown at once as well.
  const error = await assertRejects(async () => change(), SessionEndedError);
  assertMatch(error.message, /^Cannot \w+ session: it has ended; .*assign an object.*startSession/);
}

for (const [name, change] of Object.entries({ ...CHANGES, ...OUTSIDE })) {
  Deno.test(`a session that has ended can't be changed: ${name}`, async () => {
    for (const end of Object.values(ENDS)) {
      const { client } = await afterEnd(end, async (c, held) => {
        const ended = c.var.session as Session<Record<string, unknown>>;
        await assertRefused(() => change(ended));
        assertReadsEmpty(c.var.session);
        if (name in CHANGES) await assertRefused(() => change(held as typeof ended));
        else if (!name.startsWith("Object.")) change(held as typeof ended);
        else if (name !== "Object.freeze") assertThrows(() => change(held as typeof ended));
        assertReadsEmpty(held);
      });
      assertEquals(await client.json("/read"), {});
    }
  });
}

Deno.test("a session that a handler has frozen ends as others do", async () => {
  const { client } = await afterEnd(
    (c) => {
      Object.freeze(c.var.session);
      c.var.session.destroy();
    },
    async (c, held) => {
      assertReadsEmpty(c.var.session);
      await assertRefused(() => held.renew());
    },
  );
  assertEquals(await client.json("/read"), {});
});

const BEGINS: Record<string, (c: AppContext) => unknown> = {
  "an object that is assigned": (c) => Reflect.set(c, "session", { user: "Bob" }),
  "an object that is set": (c) => c.set("session", { user: "Bob" } as never),
  "startSession()": (c) => startSession<Data>(c, { user: "Bob" }),
};

for (const [name, begin] of Object.entries(BEGINS)) {
  Deno.test(`after the end, ${name} begins another session with another token`, async () => {
    for (const end of Object.values(ENDS)) {
      let before = "";
      const { client, response } = await afterEnd(end, async (c, held) => {
        const ended = c.var.session;
        before = c.req.header("cookie")!;
        await begin(c);
        assertEquals(c.var.session.toJSON(), { user: "Bob" });
        assertNotEquals(c.var.session.sid, held.sid);
        assert(
          c.var.session === await getSession(c) && c.var.session === Reflect.get(c, "session"),
        );
        // What was kept has ended for good.
        for (const kept of [held, ended]) {
          assertReadsEmpty(kept);
          await assertRefused(() => kept.user = "Eve");
          kept.destroy();
        }
        c.var.session.cart = ["pear"];
      });
      assertEquals(response.headers.getSetCookie().length, 1);
      assertNotEquals(await client.cookie(), before);
      assertEquals(await client.json("/read"), { user: "Bob", cart: ["pear"] });
    }
  });
}

Deno.test("startSession() ends the session that a handler kept", async () => {
  await afterEnd(
    (c) => startSession<Data>(c, { user: "Bob" }),
    async (c, held) => {
      assertReadsEmpty(held);
      await assertRefused(() => held.user = "Eve");
      assertEquals(c.var.session.user, "Bob");
    },
  );
});

Deno.test("a session that was ended, assigned to itself, has ended still", async () => {
  const { client } = await afterEnd(
    (c) => c.var.session.destroy(),
    (c, held) => {
      c.set("session", c.get("session"));
      assertReadsEmpty(c.var.session);
      // Nothing comes back with what was kept.
      c.set("session", held);
      assertEquals(c.var.session.toJSON(), {});
    },
  );
  assertEquals(await client.cookie(), "");
});

Deno.test("a layout and an audit log read the session after a logout", async () => {
  const stores: SessionOptions<Data>[] = [
    { store: new MapStore() },
    { store: new EncryptedCookieStore({ secret: SECRET }) },
    { store: new MapStore(), lazy: true },
    { store: new MapStore(), token: { secret: SECRET, maxAge: 60 } },
  ];
  for (const options of stores) {
    const log: unknown[] = [];
    const app = new Hono()
      .use(async (c, next) => {
        await next();
        // By then the session is committed.
        const { user, sid } = (c as unknown as AppContext).var.session;
        log.push([user, typeof sid]);
      })
      .use(session<Data>(options))
      .use(async (c, next) => {
        const { user } = await getSession<Data>(c);
        await next();
        log.push([user, c.var.session.user, c.get("sessionCookie").sameSite]);
      })
      .get("/login", (c) => {
        c.var.session.user = "Ada";
        return c.text("welcome");
      })
      .get("/logout", (c) => {
        c.var.session.destroy();
        return c.html(`<p>Hello, ${c.var.session.user?.toUpperCase() ?? "nobody"}</p>`);
      });
    const client = new Client(app);
    await client.text("/login");
    assertEquals(log.splice(0), [[undefined, "Ada", "Lax"], ["Ada", "string"]]);
    const response = await client.fetch("/logout");
    assertEquals([response.status, await response.text()], [200, "<p>Hello, nobody</p>"]);
    assertEquals(log, [["Ada", undefined, "Lax"], [undefined, "string"]]);
    assertEquals(await client.cookie(), "");
  }
});

Deno.test("a session ends while what it saves is under way, and shows nothing of it", async () => {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .get("/set", (c) => {
      c.var.session.user = "Ada";
      return c.text("set");
    })
    .get("/", async (c) => {
      const held = c.var.session;
      held.user = "Bob";
      const work: Promise<unknown>[] = [
        held.save(),
        held.update("user", () => "Carol"),
        held.update("cart", () => ["apple"]),
      ];
      held.destroy();
      await Promise.allSettled(work);
      assertReadsEmpty(held);
      assertReadsEmpty(c.var.session);
      return c.text("done");
    })
    .get("/read", (c) => c.json(c.var.session));
  const client = new Client(app);
  await client.text("/set");
  const thief = await client.thief();
  assertEquals(await client.text("/"), "done");
  assertEquals(await client.cookie(), "");
  assertEquals(await thief.json("/read"), {});
});
