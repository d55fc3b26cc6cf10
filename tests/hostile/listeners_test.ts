import type { SessionEvents, SessionOptions } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import type { Context } from "hono";
import { FaultyStore } from "@x/hono-session/testing";
import { EVENTS } from "../../src/events.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { Browser, registrationOf } from "../_support/device.ts";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { QUIET } from "./_app.ts";
import { type Data, makeApp } from "./_fault_app.ts";

type App = ReturnType<typeof makeApp>;
type Listener = (app: App, c: Context, name: string) => unknown;

/** What a listener does that it should not. */
const MISBEHAVIOUR: Record<string, Listener> = {
  "throws": () => {
    throw new Error("listener failed");
  },
  "throws undefined": () => {
    throw undefined;
  },
  "rejects": () => Promise.reject(new Error("listener failed")),
  "rejects late": async () => {
    await Promise.resolve();
    throw new Error("listener failed");
  },
  "never ends": () => new Promise(() => {}),
  "gives a promise whose then throws": () => ({
    get then() {
      throw new Error("then failed");
    },
  }),
  "gives a promise that is rejected twice": () => ({
    then(_: unknown, reject: (error: unknown) => void) {
      reject(new Error("once"));
      reject(new Error("twice"));
    },
  }),
  "asks the application, as another visitor": async (app) => {
    await (await app.request("/read")).text();
  },
  "asks the application, as the same visitor": async (app, c) => {
    if (c.req.header("x-inner")) return;
    const headers = { cookie: c.req.header("cookie") ?? "", "x-inner": "1" };
    await (await app.request("/list", { headers })).text();
  },
  "saves the session": async (_, c) => await c.get("session")?.save(),
  "answers the request": (_, c) => c.text("listener"),
};

type Seen = [path: string, status: number, body: string, cookies: string[], records: number];

const toStatus = ([path, status]: Seen) => [path, status];

/** Does everything that tells a listener something, and says what it looked like from outside. */
async function story(events: (app: () => App) => SessionEvents, more: SessionOptions<Data> = {}) {
  const clock = new FakeClock();
  const map = new MapStore({ clock: clock.now });
  const store = new FaultyStore(map);
  const app: App = makeApp(
    {
      store,
      clock: clock.now,
      rolling: { after: 1 },
      rotate: { every: 1000 },
      logger: QUIET,
      events: events(() => app),
      ...more,
    },
    () => {},
  );
  const client = new Client(app);
  const seen: Seen[] = [];
  const look = async (path: string, by = client) => {
    const response = await by.fetch(path, { redirect: "manual" });
    const cookies = response.headers.getSetCookie()
      .map((line) => line.replace(/^sid=[^;]+/, "sid=token"));
    seen.push([path, response.status, await response.text(), cookies, map.size]);
    clock.advance(2);
  };
  for (const path of ["write", "renew", "update", "login", "flash", "read"]) await look(`/${path}`);
  clock.advance(1000);
  for (const path of ["read", "save", "start"]) await look(`/${path}`);
  store.inject("update", "refuse", 1);
  await look("/write");
  store.inject("update", "fail", 1);
  await look("/update");
  const thief = await client.thief();
  store.inject("update", async () => {
    store.heal();
    await look("/logout", thief);
  }, 1);
  await look("/update");
  await look("/read");
  await look("/read", new Client({ fetch: app.fetch } as never));
  await (await app.request("/read", { headers: { cookie: "sid=malformed" } })).text();
  seen.push(...await bindingStory(events, more));
  return seen;
}

/** Binds a session to a device, which is told as well. */
async function bindingStory(
  events: (app: () => App) => SessionEvents,
  more: SessionOptions<Data>,
): Promise<Seen[]> {
  const store = new MapStore();
  const options = { store, secret: SECRET, device: true, logger: QUIET, ...more };
  const app: App = makeApp({ ...options, events: events(() => app) }, () => {});
  const browser = await Browser.open(app);
  const asked = registrationOf(await browser.fetch("/login"))!;
  return [["bound", (await browser.register(asked)).status, "", [], store.size]];
}

Deno.test("listeners: the story tells all of them something", async () => {
  const told = new Set<string>();
  await story(() => ({
    ...Object.fromEntries(EVENTS.map((name) => [name, () => told.add(name)])),
  }));
  assertEquals([...told].sort(), [...EVENTS].sort());
});

for (const [what, misbehave] of Object.entries(MISBEHAVIOUR)) {
  Deno.test(`listeners: one that ${what} changes nothing (CVE-2021-34428)`, async () => {
    const unhandled: unknown[] = [];
    const note = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      unhandled.push(event.reason);
    };
    addEventListener("unhandledrejection", note);
    try {
      const expected = await story(() => ({}));
      for (const name of EVENTS) {
        let told = 0;
        const listening: unknown[] = [];
        const seen = await story((app) => ({
          [name]: (_event: unknown, c: Context) => {
            told++;
            const result = misbehave(app(), c, name);
            if (/^(asks|saves)/.test(what)) listening.push(result);
            return result;
          },
        }));
        await Promise.allSettled(listening);
        // What a listener does to the session itself is done.
        const isOwn = /same visitor|saves/.test(what);
        assertEquals(
          isOwn ? seen.map(toStatus) : seen,
          isOwn ? expected.map(toStatus) : expected,
          name,
        );
        assert(told > 0, name);
      }
      await new Promise((resolve) => setTimeout(resolve));
      assertEquals(unhandled, []);
    } finally {
      removeEventListener("unhandledrejection", note);
    }
  });
}

Deno.test("listeners: a logger that fails when it is told of one that failed changes nothing either", async () => {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  addEventListener("unhandledrejection", note);
  const loggers = {
    throws: () => {
      throw new Error("logger failed");
    },
    rejects: () => Promise.reject(new Error("logger failed")),
  };
  try {
    const expected = await story(() => ({}));
    for (const [how, fail] of Object.entries(loggers)) {
      for (const name of EVENTS) {
        const seen = await story((app) => ({
          [name]: (_: unknown, c: Context) => MISBEHAVIOUR[how]!(app(), c, name),
        }), { logger: { error: fail, warn: fail } });
        assertEquals(seen, expected, `${name} ${how}`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve));
    assertEquals(unhandled, []);
  } finally {
    removeEventListener("unhandledrejection", note);
  }
});

Deno.test("listeners: what is told can be kept and changed without harm", async () => {
  const expected = await story(() => ({}));
  const change = (event: object) => {
    for (const name of Object.keys(event)) Reflect.set(event, name, "changed");
    Object.setPrototypeOf(event, null);
  };
  const seen = await story(() => Object.fromEntries(EVENTS.map((name) => [name, change])));
  assertEquals(seen, expected);
});
