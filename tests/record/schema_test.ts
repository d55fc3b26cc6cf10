import {
  getSession,
  session,
  type SessionOptions,
  type StandardSchema,
  startSession,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { Hono } from "hono";
import * as v from "valibot";
import { z } from "zod";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { COOKIE_STORES, SECRET } from "../_support/cookie_stores.ts";
import { Gate } from "../_support/gate.ts";

const CANARY = "4111-1111-1111-1111";

// deno-lint-ignore no-explicit-any -- The data change from one version of the application to the next.
type Anything = any;

/** What an application saw and did. */
class Watch {
  readonly store: FaultyStore;
  readonly events: string[] = [];
  readonly logged: unknown[][] = [];

  constructor(store: FaultyStore) {
    this.store = store;
  }
}

/** One version of an application on a store. */
function deploy(
  options: SessionOptions<Anything>,
  store = new FaultyStore(new MapStore()),
) {
  const watch = new Watch(store);
  const { events, logged } = watch;
  const app = new Hono()
    .use(session<Anything>({
      store,
      logger: {
        error: (...line) => logged.push(line),
        warn: (...line) => logged.push(line),
      },
      events: {
        created: () => events.push("created"),
        loaded: () => events.push("loaded"),
        rejected: ({ reason }) => events.push(`rejected: ${reason}`),
        conflict: () => events.push("conflict"),
        interrupted: () => events.push("interrupted"),
      },
      ...options,
    }))
    .post("/set", async (c) => {
      Object.assign(c.var.session, await c.req.json());
      return c.text("set");
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/isNew", (c) => c.json(c.var.session.isNew))
    .get("/hasChanged", (c) => c.json(c.var.session.hasChanged))
    .get("/fail", (c) => c.text(JSON.stringify(c.var.session), 500))
    .get("/throw", () => {
      throw new Error("on purpose");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
  app.onError((_, c) => c.text("failed", 500));
  return { app, watch };
}

const set = (client: Client, data: unknown) =>
  client.text("/set", { method: "POST", body: JSON.stringify(data) });

/** A visitor with these data, who meets a later version of the application. */
async function visitor(data: unknown, options: SessionOptions<Anything>, store?: FaultyStore) {
  const before = deploy({}, store);
  const old = new Client(before.app);
  await set(old, data);
  const headers = { cookie: await old.cookie() };
  const { app, watch } = deploy(options, before.watch.store);
  watch.store.calls();
  return { app, watch, headers, old };
}

/** A validator of four lines. */
function standard(validate: (value: Anything) => Anything): StandardSchema<Anything> {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

const SCHEMAS = {
  zod: z.object({ userId: z.string(), visits: z.number().default(0) }),
  valibot: v.object({ userId: v.string(), visits: v.optional(v.number(), 0) }),
  "zod, asynchronous": z.object({
    userId: z.string().refine((id) => Promise.resolve(id !== "")),
    visits: z.number().default(0),
  }),
  "valibot, asynchronous": v.objectAsync({
    userId: v.pipeAsync(v.string(), v.checkAsync((id) => Promise.resolve(id !== ""))),
    visits: v.optional(v.number(), 0),
  }),
};

for (const [name, schema] of Object.entries(SCHEMAS)) {
  Deno.test(`schema: what ${name} gives is shown, and stored once by a mere read`, async () => {
    const { app, watch, headers, old } = await visitor({ userId: "42", other: 1 }, { schema });
    const response = await app.request("/read", { headers });
    assertEquals(await response.json(), { userId: "42", visits: 0 });
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals(watch.store.calls(), ["read", "update"]);
    assertEquals(await old.json("/read"), { userId: "42", visits: 0 });
    watch.store.calls();
    await app.request("/read", { headers });
    assertEquals(watch.store.calls(), ["read"]);
    assertEquals(watch.events, ["loaded", "loaded"]);
  });

  Deno.test(`schema: data that don't fit ${name} give a fresh session, and the record stays`, async () => {
    const { app, watch, headers, old } = await visitor({ userId: 42, card: CANARY }, { schema });
    const response = await app.request("/read", { headers });
    assertEquals(await response.json(), {});
    assertEquals([...response.headers.keys()], ["content-type"]);
    assertEquals(watch.store.calls(), ["read"]);
    assertEquals(watch.events, ["rejected: invalid"]);
    assertEquals(watch.logged, []);
    assertEquals(await old.json("/read"), { userId: 42, card: CANARY });
  });
}

Deno.test("schema: the session has the type of what it gives", async () => {
  const app = new Hono()
    .use(session({ store: new MapStore(), schema: SCHEMAS.zod }))
    .get("/", (c) => {
      c.var.session.userId satisfies string;
      c.var.session.visits satisfies number;
      // @ts-expect-error -- Not a member of the schema.
      c.var.session.nothing;
      return c.text("ok");
    });
  assertEquals(await (await app.request("/")).text(), "ok");
});

Deno.test("schema: whom it sent away can log in again, with a session of their own", async () => {
  const { app, watch, headers, old } = await visitor({ userId: 42 }, { schema: SCHEMAS.zod });
  const login = await app.request("/set", {
    method: "POST",
    headers,
    body: JSON.stringify({ userId: "42" }),
  });
  assertEquals(watch.store.calls(), ["read", "create"]);
  const [cookie, ...more] = login.headers.getSetCookie();
  assertEquals(more, []);
  const now = { cookie: cookie!.split(";")[0]! };
  assertNotEquals(now, headers);
  const read = await app.request("/read", { headers: now });
  assertEquals(await read.json(), { userId: "42", visits: 0 });
  assertEquals(await old.json("/read"), { userId: 42 }, "the old record is another session's");
  assertEquals(watch.events, ["rejected: invalid", "created", "loaded"]);
});

const FAILURES: Record<string, SessionOptions<Anything>> = {
  "schema that finds issues": { schema: standard(() => ({ issues: [{ message: CANARY }] })) },
  "schema that finds issues later": {
    schema: standard(() => Promise.resolve({ issues: [{ message: CANARY }] })),
  },
  "schema that throws": {
    schema: standard((data) => {
      throw new Error(JSON.stringify(data));
    }),
  },
  "schema that rejects": { schema: standard((data) => Promise.reject(new Error(data.card))) },
  "schema that throws what is no error": {
    schema: standard((data) => {
      throw data.card;
    }),
  },
  "schema that gives nothing": { schema: standard(() => undefined) },
  "schema that gives null": { schema: standard(() => ({ value: null })) },
  "schema that gives a string": { schema: standard((data) => ({ value: data.card })) },
  "schema that gives an array": { schema: standard((data) => ({ value: [data.card] })) },
  "schema that gives a class instance": { schema: standard(() => ({ value: new Date() })) },
  "schema that gives what JSON can't hold": {
    schema: standard((data) => ({ value: { ...data, total: data.total / 0 } })),
  },
  "schema that gives a Date": {
    schema: z.object({ card: z.string(), total: z.coerce.date() }),
  },
  "migrate that gives nothing": { migrate: () => undefined },
  "migrate that gives nothing later": { migrate: () => Promise.resolve(undefined) },
  "migrate that gives null": { migrate: () => null },
  "migrate that gives a string": { migrate: (data) => data.card },
  "migrate that gives an array": { migrate: (data) => [data.card] },
  "migrate that gives a function": { migrate: (data) => ({ ...data, total: () => 1 }) },
  "migrate that throws": {
    migrate: (data) => {
      throw new TypeError(data.card);
    },
  },
  "migrate that throws an error with a name of data": {
    migrate: (data) => {
      throw Object.assign(new Error("x"), { name: data.card });
    },
  },
  "migrate that rejects": { migrate: (data) => Promise.reject(new Error(data.card)) },
};

for (const [name, options] of Object.entries(FAILURES)) {
  Deno.test(`a ${name}: a fresh session, one event, nothing of the data in a log`, async () => {
    const { app, watch, headers, old } = await visitor({ card: CANARY, total: 5 }, options);
    const response = await app.request("/read", { headers });
    assertEquals([response.status, await response.text()], [200, "{}"]);
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals(watch.events, ["rejected: invalid"]);
    assertEquals(watch.store.calls(), ["read"]);
    assertEquals(Deno.inspect(watch.logged, { depth: 10 }).includes("4111"), false);
    assertEquals(await old.json("/read"), { card: CANARY, total: 5 });
  });
}

Deno.test("schema: each rejection of data tells whose session it was", async () => {
  const rejected: unknown[] = [];
  const options: SessionOptions<Anything>[] = [
    { schema: standard(() => ({ issues: [] })) },
    { migrate: (data) => [data] },
  ];
  for (const each of options) {
    const { app, headers } = await visitor({ a: 1 }, {
      ...each,
      events: { rejected: (event) => rejected.push(event) },
    });
    await app.request("/read", { headers });
  }
  assertEquals(rejected.length, 2);
  for (const event of rejected) assertEquals(Object.keys(event as object), ["reason", "sid"]);
});

Deno.test("schema: data that don't fit in a token leave the cookie to open its session", async () => {
  const token = { secret: SECRET, maxAge: 3600 };
  const store = new FaultyStore(new MapStore());
  const login = new Hono().use(session<Anything>({ store, token })).get("/:kind", async (c) => {
    await startSession(c, { kind: c.req.param("kind") });
    return c.text(c.get("sessionToken")!);
  });
  const bad = await (await login.request("/bad")).text();
  const good = (await login.request("/good")).headers.getSetCookie()[0]!.split(";")[0]!;
  const schemas = {
    issues: standard((data) => data.kind === "bad" ? { issues: [{}] } : { value: data }),
    array: standard((data) => ({ value: data.kind === "bad" ? [] : data })),
  };
  for (const [name, schema] of Object.entries(schemas)) {
    const { app, watch } = deploy({ token, schema }, store);
    const headers = { cookie: good, authorization: `Bearer ${bad}` };
    assertEquals(await (await app.request("/read", { headers })).json(), { kind: "good" }, name);
    assertEquals(watch.events, ["rejected: invalid", "loaded"], name);
  }
});

Deno.test("schema: a log-out clears the cookie of data that don't fit", async () => {
  for (const schema of [standard(() => ({ issues: [{}] })), standard(() => ({ value: [] }))]) {
    const { app, headers } = await visitor({ a: 1 }, { schema });
    const response = await app.request("/logout", { headers });
    assertEquals(response.status, 200);
    assertMatch(response.headers.getSetCookie().join("|"), /^sid=; Max-Age=0;[^|]*$/);
  }
});

Deno.test("migrate: gets the data and the context, before schema checks them", async () => {
  const seen: unknown[] = [];
  const { app, watch, headers } = await visitor({ name: "Ada Lovelace" }, {
    migrate(data, c) {
      seen.push(data, c.req.path);
      const [first, last] = data.name.split(" ");
      return Promise.resolve({ first, last });
    },
    schema: z.strictObject({ first: z.string(), last: z.string() }),
  });
  const response = await app.request("/read", { headers });
  assertEquals(await response.json(), { first: "Ada", last: "Lovelace" });
  assertEquals(seen, [{ name: "Ada Lovelace" }, "/read"]);
  assertEquals(watch.store.calls(), ["read", "update"]);
});

Deno.test("migrate: may change what it is given in place", async () => {
  const { app, watch, headers, old } = await visitor({ name: "Ada", nested: { a: 1 } }, {
    migrate(data) {
      data.nested.a = 2;
      delete data.name;
      return data;
    },
  });
  assertEquals(await (await app.request("/read", { headers })).json(), { nested: { a: 2 } });
  assertEquals(watch.store.calls(), ["read", "update"]);
  assertEquals(await old.json("/read"), { nested: { a: 2 } });
});

Deno.test("migrate and schema that change nothing cost nothing", async () => {
  const { app, watch, headers } = await visitor({ b: { d: 1, c: [1, 2] }, a: "x" }, {
    migrate: (data) => ({ ...data }),
    schema: z.looseObject({ a: z.string() }),
  });
  assertEquals(await (await app.request("/hasChanged", { headers })).json(), false);
  assertEquals(watch.store.calls(), ["read"]);
});

Deno.test("migrate: the session tells that it has changed, and isn't new", async () => {
  const { app, headers } = await visitor({ a: 1 }, { migrate: () => ({ a: 2 }) });
  assertEquals(await (await app.request("/hasChanged", { headers })).json(), true);
  assertEquals(await (await app.request("/isNew", { headers })).json(), false);
});

Deno.test("migrate: nothing is stored when the handler fails, unless commitOnError says so", async () => {
  for (const [commitOnError, calls] of [[false, "read"], [true, "read,update"]] as const) {
    for (const path of ["/fail", "/throw"]) {
      const { app, watch, headers, old } = await visitor({ a: 1 }, {
        migrate: () => ({ a: 2 }),
        commitOnError,
      });
      assertEquals((await app.request(path, { headers })).status, 500);
      assertEquals(watch.store.calls().join(), calls);
      assertEquals(await old.json("/read"), { a: commitOnError ? 2 : 1 });
    }
  }
});

Deno.test("migrate: a handler that fails after regenerate() leaves the data as they were stored", async () => {
  const { app, watch, headers, old } = await visitor({ a: 1 }, { migrate: () => ({ a: 2 }) });
  app.get("/regenerate/fail", async (c) => {
    await (c.get("session" as never) as { regenerate(): Promise<void> }).regenerate();
    return c.text("failed", 500);
  });
  const response = await app.request("/regenerate/fail", { headers });
  assertEquals(watch.store.calls(), ["read", "replace"]);
  const cookie = response.headers.getSetCookie()[0]!.split(";")[0]!;
  assertEquals(await old.json("/read", { headers: { cookie } }), { a: 1 });
});

Deno.test("migrate: what it adds under reserved names is no member, and no harm", async () => {
  const { app, headers } = await visitor({ a: 1 }, {
    migrate: (data) => ({ ...data, sid: "planted", destroy: 1 }),
  });
  assertEquals(await (await app.request("/read", { headers })).json(), { a: 1 });
  assertEquals((await app.request("/logout", { headers })).status, 200);
});

Deno.test("migrate: a key __proto__ stays plain data", async () => {
  const { app, headers } = await visitor(JSON.parse('{"__proto__":{"admin":true}}'), {
    migrate: (data) => ({ ...data, seen: true }),
  });
  assertEquals(
    await (await app.request("/read", { headers })).text(),
    '{"__proto__":{"admin":true},"seen":true}',
  );
  assertEquals(({} as { admin?: boolean }).admin, undefined);
});

Deno.test("schema: nothing of its own objects is shared between visitors", async () => {
  const cart: number[] = [];
  const schemas = {
    zod: z.object({ cart: z.array(z.number()).default(cart) }),
    valibot: v.object({ cart: v.optional(v.array(v.number()), cart) }),
    own: standard((data) => ({ value: { cart, ...data } })),
  };
  for (const [name, schema] of Object.entries(schemas)) {
    const { app, watch, headers } = await visitor({}, { schema }).then(async (made) => {
      // An empty session is stored only when it is asked for.
      const start = new Hono().use(session({ store: made.watch.store })).get("/", async (c) => {
        await startSession(c);
        return c.text("");
      });
      const cookies = [];
      for (let visitor = 0; visitor < 2; visitor++) {
        const response = await start.request("/");
        cookies.push(response.headers.getSetCookie()[0]!.split(";")[0]!);
      }
      return { ...made, headers: cookies.map((cookie) => ({ cookie })) };
    });
    app.get("/push", (c) => {
      (c.get("session" as never) as { cart: number[] }).cart.push(1);
      return c.text("pushed");
    });
    await app.request("/push", { headers: headers[0]! });
    assertEquals(await (await app.request("/read", { headers: headers[0]! })).json(), {
      cart: [1],
    });
    assertEquals(
      await (await app.request("/read", { headers: headers[1]! })).json(),
      { cart: [] },
      name,
    );
    assertEquals(cart, [], name);
    assertEquals(watch.events.filter((event) => event.startsWith("rejected")), []);
  }
});

Deno.test("schema and migrate are not asked of visitors without a session", async () => {
  let asked = 0;
  const { app, watch } = deploy({
    schema: standard((value) => (asked++, { value })),
    migrate: (data) => (asked++, data),
    initial: { visits: 1 },
  });
  const client = new Client(app);
  assertEquals(await client.json("/read"), { visits: 1 });
  await client.text("/read", { headers: { cookie: `sid=${"A".repeat(43)}` } });
  assertEquals(asked, 0);
  await set(client, { visits: 2 });
  await client.text("/read");
  assertEquals(asked, 2);
  assertEquals(watch.events, ["rejected: unknown", "created", "loaded"]);
});

Deno.test("schema: flashed values are not data, and outlive it", async () => {
  const { app, headers } = await visitor({ a: 1 }, { schema: z.object({ a: z.number() }) });
  app.get("/flash", (c) => {
    (c.get("session" as never) as { flash(key: string, value: string): void }).flash("note", "hi");
    return c.text("");
  });
  await app.request("/flash", { headers });
  assertEquals(await (await app.request("/read", { headers })).json(), { a: 1, note: "hi" });
  assertEquals(await (await app.request("/read", { headers })).json(), { a: 1 });
});

Deno.test("migrate: save() stores it, regenerate() and renew() carry it", async () => {
  const { app, watch, headers, old } = await visitor({ a: 1 }, { migrate: () => ({ a: 2 }) });
  const client = new Client(app);
  app
    .get("/save", async (c) => {
      await (c.get("session" as never) as { save(): Promise<void> }).save();
      return c.text(watch.store.calls().join());
    })
    .get("/regenerate", async (c) => {
      await (c.get("session" as never) as { regenerate(): Promise<void> }).regenerate();
      return c.text("");
    });
  assertEquals(await (await app.request("/save", { headers })).text(), "read,update");
  assertEquals(await old.json("/read"), { a: 2 });
  await set(old, { a: 1 });
  watch.store.calls();
  const response = await app.request("/regenerate", { headers });
  assertEquals(watch.store.calls(), ["read", "replace"]);
  const cookie = response.headers.getSetCookie()[0]!.split(";")[0]!;
  assertEquals(await client.json("/read", { headers: { cookie } }), { a: 2 });
});

Deno.test("migrate: a rolling session is renewed with the write, not by a touch beside it", async () => {
  const clock = new FakeClock();
  const store = new FaultyStore(new MapStore({ clock: clock.now }));
  const { watch } = await visitor({ a: 1 }, {}, store);
  const options = { clock: clock.now, maxAge: 100, rolling: true };
  const before = deploy(options, store);
  const client = new Client(before.app);
  await set(client, { a: 1 });
  clock.advance(50);
  watch.store.calls();
  const { app } = deploy({ ...options, migrate: () => ({ a: 2 }) }, store);
  const response = await app.request("/read", { headers: { cookie: await client.cookie() } });
  assertEquals(watch.store.calls(), ["read", "update"]);
  assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=100/);
});

for (const [name, make] of Object.entries(COOKIE_STORES)) {
  Deno.test(`migrate and schema on a ${name}: the new data are in the next cookie`, async () => {
    const store = make();
    const before = deploy({ store });
    const client = new Client(before.app);
    await set(client, { name: "Ada" });
    const cookie = await client.cookie();
    const now = deploy({
      store,
      migrate: (data) => data.name === "Bob" ? undefined : data,
      schema: z.object({ name: z.string(), visits: z.number().default(0) }),
    });
    const response = await now.app.request("/read", { headers: { cookie } });
    assertEquals(await response.json(), { name: "Ada", visits: 0 });
    const [next, ...more] = response.headers.getSetCookie();
    assertEquals(more, []);
    const again = await now.app.request("/read", { headers: { cookie: next!.split(";")[0]! } });
    assertEquals(await again.json(), { name: "Ada", visits: 0 });
    assertEquals(again.headers.getSetCookie(), []);

    await set(client, { name: "Bob" });
    const rejected = await now.app.request("/read", { headers: { cookie: await client.cookie() } });
    assertEquals(await rejected.json(), {});
    assertEquals(rejected.headers.getSetCookie(), [], "the cookie stays");
    assertEquals(now.watch.events, ["loaded", "loaded", "rejected: invalid"]);
  });
}

Deno.test("migrate: a session that ends while it is read is not brought back", async () => {
  const { app, watch, headers, old } = await visitor({ a: 1 }, { migrate: () => ({ a: 2 }) });
  const gate = new Gate();
  app.get("/slow", async (c) => {
    await gate.pass();
    return c.json(c.get("session" as never));
  });
  const slow = app.request("/slow", { headers });
  await gate.arrived();
  await old.text("/logout");
  gate.open();
  assertEquals((await slow).headers.getSetCookie(), []);
  assertEquals(watch.events, ["loaded", "interrupted"]);
  assertEquals(await (await app.request("/read", { headers })).json(), {});
});

/** A visitor of an application that brings data up to date, with a request of theirs that waits. */
async function race(options: SessionOptions<Anything>, data: unknown) {
  const made = await visitor(data, options);
  const gate = new Gate();
  made.app
    .get("/slow", async (c) => {
      await gate.pass();
      return c.text("read");
    })
    .post("/slow", async (c) => {
      await gate.pass();
      Object.assign(c.get("session" as never), await c.req.json());
      return c.text("set");
    })
    .get("/increment", async (c) => {
      await gate.pass();
      const session = await getSession<{ visits: number }>(c);
      return c.json(await session.update("visits", (visits) => visits + 1));
    });
  const write = (body: unknown) =>
    made.app.request("/set", {
      method: "POST",
      headers: made.headers,
      body: JSON.stringify(body),
    });
  const read = async () =>
    await (await made.app.request("/read", { headers: made.headers })).json();
  return { ...made, gate, write, read };
}

const COUNTING = { schema: z.looseObject({ visits: z.number().default(0) }) };

Deno.test("schema: what it changes is merged by key with what others write", async () => {
  const { app, headers, gate, write, read } = await race(COUNTING, { name: "Ada" });
  const slow = app.request("/slow", {
    method: "POST",
    headers,
    body: JSON.stringify({ mine: 1 }),
  });
  await gate.arrived();
  await write({ theirs: 1 });
  gate.open();
  assertEquals((await slow).status, 200);
  assertEquals(await read(), { name: "Ada", visits: 0, mine: 1, theirs: 1 });
});

Deno.test("schema: the default value of a mere read does not undo what another request wrote", async () => {
  const { app, headers, gate, write, read } = await race(COUNTING, { name: "Ada" });
  const slow = app.request("/slow", { headers });
  await gate.arrived();
  await write({ visits: 7 });
  gate.open();
  assertEquals((await slow).status, 200);
  assertEquals(await read(), { name: "Ada", visits: 7 });
});

Deno.test("migrate: what it makes of old data does not undo what another request wrote", async () => {
  const { app, headers, gate, write, read } = await race({
    migrate: ({ euros, ...rest }) => euros === undefined ? rest : { cents: euros * 100, ...rest },
  }, { euros: 5 });
  const slow = app.request("/slow", {
    method: "POST",
    headers,
    body: JSON.stringify({ mine: 1 }),
  });
  await gate.arrived();
  await write({ cents: 700 });
  gate.open();
  assertEquals((await slow).status, 200);
  assertEquals(await read(), { cents: 700, mine: 1 });
});

Deno.test("migrate: what a request of the version before writes meanwhile is brought up to date as well", async () => {
  const { app, headers, gate, old, read } = await race({
    migrate: ({ euros, ...rest }) => euros === undefined ? rest : { cents: euros * 100, ...rest },
  }, { euros: 5 });
  const slow = app.request("/slow", { headers });
  await gate.arrived();
  await set(old, { euros: 7 });
  gate.open();
  assertEquals((await slow).status, 200);
  assertEquals(await read(), { cents: 700 });
});

Deno.test("schema: parallel update() calls count from its default value, each", async () => {
  const { app, headers, gate, read } = await race(COUNTING, { name: "Ada" });
  const requests = Array.from({ length: 5 }, () => app.request("/increment", { headers }));
  await gate.arrived(5);
  gate.open();
  const answers = await Promise.all(requests.map(async (each) => (await each).json()));
  assertEquals(answers.toSorted(), [1, 2, 3, 4, 5]);
  assertEquals(await read(), { name: "Ada", visits: 5 });
});

Deno.test("schema: update() of one key leaves what the schema changed of others for the commit", async () => {
  const { app, headers, gate, read } = await race({
    schema: z.looseObject({ visits: z.number().default(0), theme: z.string().default("dark") }),
  }, { name: "Ada" });
  gate.open();
  await app.request("/increment", { headers });
  assertEquals(await read(), { name: "Ada", visits: 1, theme: "dark" });
});

Deno.test("schema: a failing store is a 503 of a mere read that has something to store", async () => {
  const { app, watch, headers } = await visitor({ a: 1 }, { migrate: () => ({ a: 2 }) });
  app.onError((error, c) => c.text("", "status" in error ? error.status as 503 : 500));
  watch.store.inject("update", "fail", 1);
  assertEquals((await app.request("/read", { headers })).status, 503);
  assertEquals(await (await app.request("/read", { headers })).json(), { a: 2 });
});

Deno.test("migrate: a data text that is no JSON is invalid before it is asked", async () => {
  const entries = new Map();
  let asked = 0;
  const events: string[] = [];
  const app = new Hono()
    .use(session<Anything>({
      store: entries,
      migrate: (data) => (asked++, data),
      events: { rejected: ({ reason }) => events.push(reason) },
      logger: { error() {}, warn() {} },
    }))
    .get("/read", (c) => c.json(c.var.session))
    .get("/set", (c) => {
      c.var.session.a = 1;
      return c.text("");
    });
  const client = new Client(app);
  await client.text("/set");
  for (const [key, record] of entries) entries.set(key, { ...record, data: `[{"a":1}` });
  assertEquals(await client.json("/read"), {});
  assertEquals([asked, events], [0, ["invalid"]]);
});

Deno.test("schema: an encrypted cookie whose data don't fit can be replaced by a log-in", async () => {
  const store = new EncryptedCookieStore({ secret: SECRET });
  const before = deploy({ store });
  const client = new Client(before.app);
  await set(client, { userId: 1 });
  const { app } = deploy({ store, schema: z.object({ userId: z.string() }) });
  const response = await app.request("/set", {
    method: "POST",
    headers: { cookie: await client.cookie() },
    body: JSON.stringify({ userId: "1" }),
  });
  const cookie = response.headers.getSetCookie()[0]!.split(";")[0]!;
  assert(cookie.startsWith("sid="));
  assertEquals(await (await app.request("/read", { headers: { cookie } })).json(), { userId: "1" });
});
