import {
  createSessions,
  type Session,
  session,
  SessionCommittedError,
  SessionEndedError,
  type SessionEnv,
  type SessionOptions,
  SessionStoreError,
} from "@x/hono-session";
import { EncryptedCookieStore, UnsignedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { type Context, Hono } from "hono";
import { streamText } from "hono/streaming";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";

type AppContext = Context<SessionEnv<Record<string, unknown>>>;

/** Runs a handler in a request of a client, and throws what it throws. */
type Options = SessionOptions<Record<string, unknown>>;

function setup(options: Options = {}) {
  const clock = new FakeClock();
  let run: (c: AppContext) => unknown = () => {};
  const app = new Hono()
    .use(session<Record<string, unknown>>({
      store: new MapStore({ clock: clock.now }),
      clock: clock.now,
      logger: { error() {}, warn() {} },
      ...options,
    }))
    .get("/", async (c) => (await run(c) as Response) ?? c.text("done"));
  const client = new Client(app);
  async function request<Result>(handler: (c: AppContext) => Result): Promise<Result> {
    const done = Promise.withResolvers<Result>();
    run = async (c) => {
      try {
        const result = await handler(c);
        done.resolve(result);
        return result instanceof Response ? result : undefined;
      } catch (error) {
        done.reject(error);
        return undefined;
      }
    };
    await client.fetch("/").then((response) => response.text());
    return await done.promise;
  }
  return { clock, client, app, request };
}

/** The confirmations of a session, as a plain object. */
function timesOf({ confirmations }: Pick<Session, "confirmations">): Record<string, unknown> {
  return { ...confirmations };
}

const METHODS = ["password", "otp", "a", "pwd.v2", "X-1_y", "7", "a".repeat(32), "constructor"];
const NO_METHODS = [
  "",
  " ",
  "a b",
  "a".repeat(33),
  "__proto__",
  ".a",
  "-a",
  "żółć",
  'a"b',
  "a\n",
  undefined,
  null,
  1,
  {},
  ["password"],
  Symbol("password"),
];

Deno.test("confirm() accepts short names as methods, and nothing else", async () => {
  const { request, clock } = setup();
  const now = new Date(clock.now());
  await request((c) => {
    for (const method of METHODS) c.var.session.confirm(method);
    for (const method of NO_METHODS) {
      assertThrows(
        () => c.var.session.confirm(method as string),
        TypeError,
        "Cannot confirm session: the method is not a name",
      );
    }
  });
  const kept = await request((c) => c.var.session.confirmations);
  assertEquals(Object.entries(kept).sort(), METHODS.map((method) => [method, now]).sort() as never);
  assertEquals(kept.toString, undefined, "nothing is inherited");
});

Deno.test("confirm() keeps eight methods, and refuses a ninth", async () => {
  const { request } = setup();
  await request((c) => {
    for (const method of METHODS) c.var.session.confirm(method);
    assertThrows(() => c.var.session.confirm("ninth"), RangeError, "it has 8 methods");
    c.var.session.confirm("otp");
  });
  await request((c) => {
    assertThrows(() => c.var.session.confirm("ninth"), RangeError, "it has 8 methods");
    assertEquals(Object.keys(c.var.session.confirmations).length, 8);
  });
});

Deno.test("of more than eight methods that requests at the same time confirm, the latest are kept", async () => {
  const clock = new FakeClock();
  const sessions = createSessions({ store: new MapStore({ clock: clock.now }), clock: clock.now });
  const { cookie } = await sessions.create({}, { subject: "user:42" });
  const open = async () =>
    (await sessions.open(new Request("https://a.test", { headers: { cookie } })))!;
  const [one, other] = [await open(), await open()];
  for (const method of ["a", "b", "c", "d", "e"]) one.confirm(method);
  clock.advance(1);
  for (const method of ["v", "w", "x", "y", "z"]) other.confirm(method);
  await Promise.all([one.save(), other.save()]);
  const kept = Object.keys((await open()).confirmations);
  assertEquals(kept.length, 8);
  assertEquals(kept.filter((method) => method >= "v").toSorted(), ["v", "w", "x", "y", "z"]);
});

Deno.test("confirm() requires a time in seconds where it is given one", async () => {
  const { request, clock } = setup();
  const now = clock.now() / 1000;
  await request((c) => {
    const at = (at: unknown) => () => c.var.session.confirm("oidc", { at: at as number });
    for (const wrong of [undefined, null, NaN, -1, "0", String(now), new Date(), {}, 1n]) {
      assertThrows(at(wrong), TypeError, "at is not a number of seconds since 1970");
    }
    for (const wrong of [null, 1, "now", {}]) {
      assertThrows(() => c.var.session.confirm("oidc", wrong as never), TypeError, "at is not");
    }
    for (const wrong of [now + 61, now * 1000, Infinity]) {
      assertThrows(at(wrong), RangeError, "at is in the future; pass seconds, not milliseconds");
    }
    assertEquals(timesOf(c.var.session), {});
    for (const [given, kept] of [[0, 0], [now - 0.5, now - 0.5], [now + 60, now]] as const) {
      at(given)();
      assertEquals(c.var.session.confirmations.oidc, new Date(kept * 1000));
    }
  });
});

Deno.test("confirmations are a copy that changes nothing", async () => {
  const { request, clock } = setup();
  await request((c) => {
    const { session } = c.var;
    session.confirm("password");
    const { confirmations } = session;
    confirmations.password!.setTime(0);
    assertThrows(() =>
      Reflect.set(confirmations, "otp", new Date()) || Object.assign(confirmations, { otp: 1 })
    );
    assertEquals(timesOf(session), { password: new Date(clock.now()) });
  });
});

Deno.test("data forge no confirmation, whatever they are called", async () => {
  const { request, clock } = setup();
  const now = clock.now();
  await request((c) => {
    const { session } = c.var;
    for (const name of ["confirm", "confirmations"]) {
      for (
        const forge of [
          () => Reflect.set(session, name, { otp: now }),
          () => Object.assign(session, { [name]: { otp: now } }),
          () => Reflect.set(c, "session", { [name]: { otp: now } }),
          () => session.flash(name, { otp: now }),
        ]
      ) {
        assertThrows(forge, TypeError, `session.${name}: the name is reserved`);
      }
    }
    Object.assign(session, { confirmed: JSON.stringify({ otp: now }) });
  });
  await request((c) => {
    assertEquals(timesOf(c.var.session), {});
    assertEquals(c.var.session.toJSON(), { confirmed: JSON.stringify({ otp: now }) });
  });
});

Deno.test("an unsigned cookie, which a client can write, confirms nothing", async () => {
  const { request } = setup({ store: new UnsignedCookieStore({ parse: JSON.parse }) });
  await request((c) => {
    c.var.session.theme = "dark";
    c.var.session.confirm("password");
  });
  assertEquals(await request((c) => timesOf(c.var.session)), {});
  assertEquals(await request((c) => c.var.session.toJSON()), { theme: "dark" });
});

Deno.test("a subject that is set after confirm() is refused, unless it is the same", async () => {
  const { request } = setup();
  await request((c) => {
    const { session } = c.var;
    session.confirm("password");
    assertThrows(
      () => session.subject = "user:42",
      TypeError,
      "confirm() was called for another subject, or for none; set session.subject first",
    );
    session.discard();
    session.subject = "user:42";
    session.confirm("password");
    session.subject = "user:42";
    assertThrows(() => session.subject = "user:43", TypeError, "another subject");
  });
  await request((c) => {
    const { session } = c.var;
    assertEquals([session.subject, Object.keys(session.confirmations)], ["user:42", ["password"]]);
    session.confirm("otp");
    session.subject = undefined;
    assertEquals(timesOf(session), {});
  });
  assertEquals(await request((c) => timesOf(c.var.session)), {});
});

Deno.test("discard() forgets what was confirmed and not saved", async () => {
  const { request } = setup();
  await request(async (c) => {
    c.var.session.confirm("password");
    await c.var.session.save();
    c.var.session.confirm("otp");
    c.var.session.discard();
    assertEquals(Object.keys(c.var.session.confirmations), ["password"]);
  });
  assertEquals(Object.keys(await request((c) => c.var.session.confirmations)), ["password"]);
});

Deno.test("what was confirmed before a save that fails is stored by a later one, with what was confirmed since", async () => {
  const clock = new FakeClock();
  const store = new FaultyStore(new MapStore({ clock: clock.now }));
  const { request } = setup({ store, clock: clock.now });
  await request((c) => void c.var.session.confirm("password"));
  await request(async (c) => {
    const { session } = c.var;
    session.confirm("otp");
    store.inject("update", "fail", 1);
    const failing = session.save();
    session.confirm("passkey");
    await assertRejects(() => failing, SessionStoreError);
    await session.save();
  });
  const kept = await request((c) => c.var.session.confirmations);
  assertEquals(Object.keys(kept).toSorted(), ["otp", "passkey", "password"]);
});

Deno.test("confirm() of a session that has ended, or whose store failed, is refused", async () => {
  const { request } = setup();
  await request((c) => void c.var.session.confirm("password"));
  await request((c) => {
    const held = c.var.session;
    held.destroy();
    for (const ended of [held, c.var.session]) {
      assertEquals(timesOf(ended), {});
      assertThrows(() => ended.confirm("otp"), SessionEndedError, "Cannot confirm session");
    }
  });
  const store = new FaultyStore(new MapStore());
  const failing = setup({ store, onStoreError: "anonymous" });
  await failing.request((c) => void c.var.session.confirm("password"));
  store.inject("read", "fail");
  await failing.request((c) => {
    assertEquals(timesOf(c.var.session), {});
    assertThrows(() => c.var.session.confirm("otp"), SessionStoreError, "the store is unavailable");
  });
});

Deno.test("confirm() after the response is saved on a server, and refused where a cookie would be needed", async () => {
  const late = async (options: Options, isNew: boolean) => {
    const { request } = setup(options);
    if (!isNew) await request((c) => void c.var.session.confirm("password"));
    const result = Promise.withResolvers<unknown>();
    await request((c) =>
      streamText(c, async (stream) => {
        await stream.write("the response has been sent");
        try {
          c.var.session.confirm("otp");
          await c.var.session.save();
          result.resolve("saved");
        } catch (error) {
          result.resolve(error);
        }
      })
    );
    const outcome = await result.promise;
    return { outcome, kept: Object.keys(await request((c) => c.var.session.confirmations)) };
  };
  const cookie = { store: new EncryptedCookieStore({ secret: SECRET }) };
  assertEquals(await late({}, false), { outcome: "saved", kept: ["password", "otp"] });
  for (const [options, isNew] of [[{}, true], [cookie, true], [cookie, false]] as const) {
    const { outcome, kept } = await late(options, isNew);
    assert(outcome instanceof SessionCommittedError, String(outcome));
    assertStringIncludes(outcome.message, "Cannot confirm session: the response has been sent");
    assertEquals(kept, isNew ? [] : ["password"]);
  }
});

Deno.test("a lazy session that is not loaded can't be confirmed or asked", async () => {
  const { request } = setup({ lazy: true });
  await request((c) => {
    for (const use of [(s: Session) => s.confirm("otp"), (s: Session) => s.confirmations]) {
      assertThrows(() => use(c.var.session as Session), TypeError, "await getSession(c) first");
    }
  });
});

Deno.test("the record of a session that was never confirmed holds nothing more", async () => {
  const store = new MapStore();
  const members: boolean[] = [];
  const watch = (record: object) => void members.push("confirmed" in record);
  const { create, update } = { create: store.create.bind(store), update: store.update.bind(store) };
  store.create = (key, record) => (watch(record), create(key, record));
  store.update = (key, record, previous) => (watch(record), update(key, record, previous));
  const { request } = setup({ store });
  for (const subject of ["user:42", "user:43", undefined]) {
    await request((c) => {
      c.var.session.subject = subject;
      c.var.session.count = members.length;
      c.var.session.meta = { device: members.length };
    });
  }
  assertEquals(members, [false, false, false]);
});

Deno.test("confirmations show in lists, and in nothing that a session prints", async () => {
  const clock = new FakeClock();
  const sessions = createSessions({ store: new MapStore({ clock: clock.now }), clock: clock.now });
  const { cookie } = await sessions.create({}, { subject: "user:42" });
  const held = (await sessions.open(new Request("https://a.test", { headers: { cookie } })))!;
  held.confirm("password");
  await held.save();
  const [listed] = await Array.fromAsync(sessions.list("user:42"));
  assertEquals({ ...listed!.confirmations }, { password: new Date(clock.now()) });
  assert(!`${Deno.inspect(held)}${JSON.stringify(held)}`.includes("password"));
});

Deno.test("damaged confirmations in a store are none", async () => {
  for (
    const confirmed of ["", "x", "[]", "null", "1", '{"otp":"now"}', '{"otp":null}', '{"otp":[1]}']
  ) {
    const store = new MapStore();
    const { request } = setup({ store: damaging(store, confirmed) });
    await request((c) => void c.var.session.confirm("password"));
    assertEquals(await request((c) => timesOf(c.var.session)), {}, confirmed);
    await request((c) => void c.var.session.confirm("otp"));
    assertEquals(await request((c) => timesOf(c.var.session)), {}, confirmed);
  }
});

/** A store whose records have other confirmations. */
function damaging(map: MapStore, confirmed: string) {
  return Object.assign(Object.create(map) as MapStore, {
    capabilities: map.capabilities,
    read: (key: string) => {
      const record = map.read(key);
      return record && { ...record, confirmed };
    },
    create: map.create.bind(map),
    update: map.update.bind(map),
    replace: map.replace.bind(map),
    touch: map.touch.bind(map),
    delete: map.delete.bind(map),
    list: map.list.bind(map),
    generation: map.generation.bind(map),
    deleteAll: map.deleteAll.bind(map),
    watch: map.watch.bind(map),
  });
}
