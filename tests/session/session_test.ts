import {
  type Session,
  session,
  SessionCommittedError,
  SessionEndedError,
  type SessionOptions,
  type SessionRecord,
  SessionSerializationError,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Hono } from "hono";
import { inspect } from "node:util";
import { Client } from "../_support/client.ts";

type Loose = Session<Record<string, unknown>>;

/** Runs something within a request, and gives what the next request finds. */
async function inRequest(
  run: (session: Loose) => unknown,
  options: SessionOptions<Record<string, unknown>> = {},
): Promise<unknown> {
  const errors: unknown[] = [];
  const app = new Hono()
    .use(session<Record<string, unknown>>({ store: new MapStore(), ...options }))
    .get("/", async (c) => {
      await run(c.var.session);
      return c.text("done");
    })
    .get("/read", (c) => c.json(c.var.session))
    .onError((error, c) => {
      errors.push(error);
      return c.text("failed", 500);
    });
  const client = new Client(app);
  await client.text("/");
  if (errors.length) throw errors[0];
  return await client.json("/read");
}

const MEMBERS = [
  "isNew",
  "hasChanged",
  "sid",
  "expiresAt",
  "ended",
  "confirmations",
  "confirm",
  "destroy",
  "regenerate",
  "renew",
  "flash",
  "reflash",
  "update",
  "save",
  "discard",
  "toJSON",
];

Deno.test("Session refuses data under the name of a member, in every way", async () => {
  await inRequest(async (session) => {
    for (const name of MEMBERS) {
      const refuses = (run: () => unknown) =>
        assertThrows(run, TypeError, `session.${name}: the name is reserved`);
      refuses(() => (session as Record<string, unknown>)[name] = 1);
      refuses(() => Object.assign(session, { [name]: 1 }));
      refuses(() => session.flash(name, 1));
      await assertRejects(() => session.update(name, () => 1), TypeError, "reserved");
    }
  });
  await assertRejects(
    () =>
      inRequest((session) =>
        Object.defineProperty(session, "renew", { value: 1, enumerable: true })
      ),
    TypeError,
    "session.renew: the name is reserved",
  );
});

Deno.test("Session takes keys with a meaning in JavaScript as plain data", async () => {
  const keys = [
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "valueOf",
    "hasOwnProperty",
    "then",
  ];
  for (const key of keys) {
    const data = await inRequest((session) => {
      (session as Record<string, unknown>)[key] = { polluted: true };
      assertEquals(Object.keys(session), [key]);
    });
    assertEquals(JSON.stringify(data), `{"${key}":{"polluted":true}}`);
    assertEquals(({} as Record<string, unknown>).polluted, undefined);
  }
  const replaced = await inRequest((session) => {
    assertEquals(session.toJSON(), {});
    Object.assign(session, JSON.parse('{"__proto__":{"polluted":true},"a":1}'));
  });
  assertEquals(JSON.stringify(replaced), '{"__proto__":{"polluted":true},"a":1}');
});

Deno.test("Session.hasChanged compares values, not identities or order", async () => {
  await inRequest(async (session) => {
    assert(!session.hasChanged);
    Object.assign(session, { a: 1, b: { c: [1, 2] } });
    assert(session.hasChanged);
    await session.save();
    assert(!session.hasChanged);
    session.b = { c: [1, 2] };
    const { a } = session;
    delete session.a;
    assert(session.hasChanged);
    session.a = a;
    assert(!session.hasChanged);
    (session.b as { c: number[] }).c.push(3);
    assert(session.hasChanged);
    session.b = { c: [{ x: 1, y: { z: 2, w: 3 } }], d: null };
    await session.save();
    session.b = { d: null, c: [{ y: { w: 3, z: 2 }, x: 1 }] };
    assert(!session.hasChanged);
    session.b = { d: null, c: [{ y: { w: 2, z: 3 }, x: 1 }] };
    assert(session.hasChanged);
  });
});

Deno.test("Session.save() commits before a later error", async () => {
  await inRequest(async (session) => {
    assert(session.isNew);
    session.a = 1;
    await session.save();
    assert(!session.isNew);
  });
});

Deno.test("Session.update() returns what was committed, keeps other changes and deletes by undefined", async () => {
  const data = await inRequest(async (session) => {
    session.other = "uncommitted";
    assertEquals(await session.update("count", (count) => (count as number ?? 0) + 1), 1);
    session.late = true;
    assertEquals(await session.update("count", (count) => count as number + 1), 2);
    assertEquals(session.count, 2);
    session.gone = 1;
    assertEquals(await session.update("gone", () => undefined), undefined);
    assert(!("gone" in session));
    await session.save();
    await session.update("other", () => undefined);
    assert(!session.hasChanged, "the key is gone from the store as well");
    session.other = "again";
    session.count = 10;
    assertEquals(await session.update("count", (count) => count as number + 1), 11);
  });
  assertEquals(data, { other: "again", count: 11, late: true });
});

Deno.test("Session refuses what would not survive JSON before anything is written", async () => {
  const store = new MapStore();
  await assertRejects(
    () =>
      inRequest((session) => {
        session.cart = [{ price: 1 }, { price: 2 }, { price: NaN }];
      }, { store }),
    SessionSerializationError,
    "session.cart[2].price is NaN",
  );
  assertEquals(store.size, 0);
});

Deno.test("Session refuses what would be lost with an array, in one that was loaded as well", async () => {
  const store = new MapStore();
  const app = new Hono()
    .use(session<{ cart?: string[] }>({ store }))
    .get("/add", (c) => c.json((c.var.session.cart ??= []).push("apple")))
    .get("/read", (c) => c.json(c.var.session))
    .get("/extend", async (c) => {
      Object.assign(c.var.session.cart!, { total: 1 });
      await assertRejects(
        () => c.var.session.save(),
        SessionSerializationError,
        'session.cart has the member "total" beside its items',
      );
      c.var.session.discard();
      return c.text("refused");
    });
  const client = new Client(app);
  await client.text("/add");
  // What is read again is known by what it stands for, and not looked at as closely.
  for (let reads = 0; reads < 3; reads++) await client.text("/read");
  assertEquals(await client.text("/extend"), "refused");
  assertEquals(await client.json("/read"), { cart: ["apple"] });
});

Deno.test("Session refuses data under a flashed key that would not survive JSON", async () => {
  const store = new MapStore();
  const cases: [unknown, string][] = [
    [NaN, "session.a is NaN"],
    [() => 1, "session.a is a function"],
    [new Date(0), "session.a is a Date"],
    [{ at: [new Date(0)] }, "session.a.at[0] is a Date"],
    ["abc".match(/b/), 'session.a has the member "index"'],
    [1n, "session.a is a bigint"],
  ];
  for (const [value, message] of cases) {
    await assertRejects(
      () =>
        inRequest((session) => {
          session.a = value;
          session.flash("a", "flashed");
          session.flash("a", "flashed again");
        }, { store }),
      SessionSerializationError,
      message,
    );
    await assertRejects(
      () => inRequest((session) => session.flash("a", value), { store }),
      SessionSerializationError,
      message,
    );
  }
  assertEquals(store.size, 0);
  const shown = await inRequest((session) => {
    session.a = undefined;
    session.flash("a", "flashed");
  });
  assertEquals(shown, { a: "flashed" });
});

Deno.test("Session does not take a change for what another request wrote, though both look alike as JSON", async () => {
  const map = new MapStore();
  const store = new FaultyStore(map);
  const other = new Hono()
    .use(session<Record<string, unknown>>({ store: map }))
    .get("/", (c) => c.json(c.var.session.a = 1));
  const app = new Hono()
    .use(session<Record<string, unknown>>({ store }))
    .get("/set", (c) => c.json(c.var.session.a = null))
    .get("/slow", async (c) => {
      const { session } = c.var;
      session.b = 1;
      store.inject("update", async () => {
        store.heal();
        await other.request("/", { headers: { cookie: await client.cookie() } });
        session.a = NaN;
      }, 1);
      await session.save();
      await assertRejects(() => session.save(), SessionSerializationError, "session.a is NaN");
      session.discard();
      return c.text("refused");
    });
  const client = new Client(app);
  await client.text("/set");
  assertEquals(await client.text("/slow"), "refused");
});

Deno.test("Session refuses lifetimes that are no positive number", async () => {
  await inRequest((session) => {
    for (const maxAge of [0, -1, NaN, Infinity, "60" as never, null as never]) {
      assertThrows(() => session.renew(maxAge), RangeError, "maxAge");
    }
  });
});

Deno.test("Session shows no data, token or secret when it is printed", async () => {
  await inRequest(async (session) => {
    session.password = "correct horse battery staple";
    await session.save();
    for (
      const text of [
        Deno.inspect(session),
        inspect(session),
        Deno.inspect({ deep: [session] }),
        `${session}`,
      ]
    ) {
      assert(!text.includes("horse") && !/[\w-]{43}/.test(text), text);
    }
    assertStringIncludes(Deno.inspect(session), session.sid);
  });
});

Deno.test("Session that has ended refuses to do anything", async () => {
  await inRequest(async (session) => {
    session.a = 1;
    await session.save();
    session.destroy();
    session.destroy();
    assertThrows(() => session.renew(), SessionEndedError);
    assertThrows(() => session.flash("a", 1), SessionEndedError);
    await assertRejects(() => session.regenerate(), SessionEndedError);
    await assertRejects(() => session.save(), SessionEndedError);
    await assertRejects(() => session.update("a", () => 2), SessionEndedError);
  });
});

Deno.test("Session after the response saves what it can and refuses what needs a cookie", async () => {
  let held: Loose | undefined;
  const app = new Hono()
    .use(session<Record<string, unknown>>({ store: new MapStore() }))
    .get("/set", (c) => {
      c.var.session.a = 1;
      held = c.var.session;
      return c.text("set");
    })
    .get("/read", (c) => {
      held = c.var.session;
      return c.json(c.var.session);
    });
  const client = new Client(app);
  await client.text("/set");
  const late = held!;
  late.b = 2;
  await late.save();
  assertEquals(await client.json("/read"), { a: 1, b: 2 });
  assertEquals(await late.update("a", (a) => a as number + 1), 2);
  assertEquals(await client.json("/read"), { a: 2, b: 2 });
  assertThrows(() => late.renew(), SessionCommittedError, "the response has been sent");
  assertThrows(() => late.destroy(), SessionCommittedError);
  await assertRejects(() => late.regenerate(), SessionCommittedError);

  await new Client(app).text("/read");
  held!.a = 1;
  await assertRejects(() => held!.save(), SessionCommittedError, "Cannot save session");
});

Deno.test("Session.subject is committed with the data, sticks and can be cleared", async () => {
  const store = new Map<string, SessionRecord>();
  const app = new Hono()
    .use(session<{ name?: string }>({ store }))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = "user:42";
      return c.text(String(c.var.session.subject));
    })
    .get("/set", (c) => {
      c.var.session.name = "Ada";
      return c.json([c.var.session.subject ?? null, { ...c.var.session }]);
    })
    .get("/fail", (c) => {
      c.var.session.subject = "user:43";
      return c.text("failed", 500);
    })
    .get("/clear", (c) => {
      c.var.session.subject = undefined;
      return c.text(String(c.var.session.subject));
    });
  const client = new Client(app);
  const subjects = () =>
    [...store.values()].filter(({ trace }) => !trace)
      .map(({ subject, subjectAt }) => [subject, typeof subjectAt]);
  assertEquals(await client.text("/clear"), "undefined");
  assertEquals(subjects(), [], "clearing nothing is no reason to store");
  assertEquals(await client.text("/login"), "user:42");
  assertEquals(subjects(), [["user:42", "number"]], "a subject is");
  assertEquals(await client.json("/set"), ["user:42", { name: "Ada" }]);
  await client.text("/login");
  await client.text("/fail");
  assertEquals(subjects(), [["user:42", "number"]]);
  assertEquals(await client.text("/clear"), "undefined");
  assertEquals(subjects(), [[undefined, "undefined"]]);
});

Deno.test("Session.subject takes strings of 1 to 256 characters", async () => {
  await inRequest((session) => {
    for (const subject of ["", "x".repeat(257), 42, null, {}]) {
      assertThrows(() => session.subject = subject as never, TypeError, "session.subject");
    }
    assertThrows(() => session.flash("subject", 1), TypeError, "reserved");
    session.destroy();
    assertThrows(() => session.subject = "user:42", SessionEndedError);
  });
});

Deno.test("Session.toJSON() gives a new object", async () => {
  await inRequest((session) => {
    session.a = 1;
    const json = session.toJSON();
    json.b = 2;
    assertEquals({ ...session }, { a: 1 });
  });
});

Deno.test("Session.regenerate() leaves the data plain values to work with", async () => {
  await inRequest(async (session) => {
    session.a = 1;
    session.list = [1];
    session.flash("notice", "hello");
    await session.regenerate();
    await session.regenerate();
    session.a = 2;
    (session.list as number[]).push(2);
    delete session.b;
    session.flash("list", "over");
    assertEquals({ ...session }, { a: 2, list: "over", notice: "hello" });
    session.list = [3];
    assertEquals(session.toJSON(), { a: 2, list: [3], notice: "hello" });
    assertEquals(Object.keys(session), ["a", "list", "notice"]);
    delete session.a;
    assert(!("a" in session));
  });
});
