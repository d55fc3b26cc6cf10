import type { Awaitable, SessionOptions, SessionRecord, SessionStore } from "@x/hono-session";
import { FaultyStore, type StoreOperation } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { Gate } from "../_support/gate.ts";
import { recordKeys } from "../_support/recorded_store.ts";
import { adoption, adoptionOfSubjects, onlyAdoption } from "./_adoption.ts";
import { type Data, makeApp } from "./_app.ts";
import { confirmationRaces, confirmations } from "./_confirmations.ts";
import { everything } from "./_everything.ts";
import { devices } from "./_device.ts";
import { endRaces } from "./_end_races.ts";
import { ends } from "./_ends.ts";
import { frozenRequests } from "./_frozen_requests.ts";
import { innerRequests } from "./_inner_requests.ts";
import { keptThings } from "./_kept.ts";
import { endedSignals, endedSignalsOfOthers } from "./_ended_signals.ts";
import { lateChanges } from "./_late_changes.ts";
import { lateRaces } from "./_late_races.ts";
import { lostAnswers, lostRotations } from "./_lost_answers.ts";
import { outages } from "./_outages.ts";
import { atomicRaces, races } from "./_races.ts";
import { keptProviders, providers } from "./_providers.ts";
import { renewals } from "./_renewals.ts";
import { severalCookies } from "./_several_cookies.ts";
import { starts } from "./_starts.ts";
import { subjects } from "./_subjects.ts";
import { unfitRecords } from "./_unfit.ts";

export interface HttpSuiteOptions {
  name: string;
  open(clock: () => number): Awaitable<{
    store: SessionStore;
    /** The same place by the clock of another machine; where it is left out, that of the store is the only one. */
    apart?(clock: () => number): SessionStore;
    close?(): Promise<void>;
  }>;
  options?: Pick<SessionOptions, "secret">;
  /** Whether the client holds the session, so that the last answer that it gets wins. */
  stateless?: boolean;
  /** Whether the store lets no write at the same time get lost; `true` unless told otherwise. */
  atomic?: boolean;
  /** Whether a session can be ended for whoever holds a copy of its cookie. */
  revocable?: boolean;
  /** Whether the sessions of a subject can be listed and ended; `true` unless told otherwise. */
  index?: boolean;
  /**
   * Whether the server answers consistent reads from before a write that it has answered, as DynamoDB Local does under
   * load: the order of an end and a login can't be shown on it.
   */
  isStale?: boolean;
  /**
   * Seconds between two polls for ended sessions; 0.02 unless told otherwise. Longer than some operations of the store take:
   * a poll in the middle of an end can't tell who ended the session.
   */
  every?: number;
  /** Declares a test: another function than `Deno.test` where a client keeps connections over tests. */
  test?: (name: string, run: () => Promise<void>) => void;
}

export interface Scene {
  clock: FakeClock;
  watch: FaultyStore;
  gate: Gate;
  /** An application, as on a machine of its own when there is another one. */
  makeApp(options?: SessionOptions<Data>): ReturnType<typeof makeApp>;
  /** Options of sessions in this store, and others. */
  configure<Other extends object>(options: SessionOptions<Other>): SessionOptions<Other>;
  /** The same on another machine, whose clock is so many seconds ahead. */
  configureApart<Other extends object>(
    ahead: number,
    options: SessionOptions<Other>,
  ): SessionOptions<Other>;
  /** The records that the store holds. */
  records(): Promise<SessionRecord[]>;
  /** Resolves when every login under way knows the generation of its subject. */
  told(): Promise<void>;
  /** Seconds between two polls for ended sessions. */
  every: number;
  /** A time limit, in seconds, within which a store answers unless it hangs. */
  shortTimeout: number;
  atomic: boolean;
  stateless: boolean;
  revocable: boolean;
}

/** Declares a test of the suite. */
export type SceneTest = (what: string, run: (scene: Scene) => Promise<void>) => void;

/** What every store does behind the middleware, asked over HTTP. */
export function httpSuite(suite: HttpSuiteOptions): void {
  const { name, open, options, atomic = true, stateless = false, revocable = !stateless } = suite;
  const { index = revocable && atomic, every = 0.02 } = suite;
  const declare = suite.test ?? Deno.test;

  // Real servers may be slow on a busy machine.
  const patient = { storeTimeout: 60 };

  function test(what: string, run: (scene: Scene) => Promise<void>): void {
    declare(`${name}: ${what}`, async () => {
      const clock = new FakeClock();
      const { store, apart, close } = await open(clock.now);
      const recorded = recordKeys(store);
      const watch = new FaultyStore(recorded.store);
      const gate = new Gate();
      try {
        await run({
          clock,
          watch,
          gate,
          records: recorded.records,
          told: recorded.told,
          every,
          // A server may be slow on a busy machine.
          shortTimeout: suite.test ? 2 : 0.5,
          atomic,
          stateless,
          revocable,
          configure: (more) => ({
            store: watch,
            clock: clock.now,
            ...patient,
            ...options,
            ...more,
          }),
          configureApart(ahead, more) {
            const apartNow = () => clock.now() + ahead * 1000;
            return {
              store: ahead && apart ? apart(apartNow) : watch,
              clock: apartNow,
              ...patient,
              ...options,
              ...more,
            };
          },
          makeApp: (more) =>
            makeApp({ store: watch, clock: clock.now, ...patient, ...options, ...more }, gate),
        });
      } finally {
        await close?.();
      }
    });
  }

  if (index) {
    subjects(test);
    if (!suite.isStale) ends(test);
    if (!stateless) lostAnswers(test);
    if (!stateless && atomic) lostRotations(test);
    keptProviders(test);
    if (!stateless && atomic && !suite.isStale) providers(test);
  }
  if (!stateless && atomic) everything(test);
  if (!stateless || revocable) endedSignals(test);
  if (index && !suite.isStale) endedSignalsOfOthers(test);
  // A client can write into an unsigned cookie, so nothing there was confirmed.
  if (!name.startsWith("UnsignedCookieStore")) confirmations(test);
  adoption(test);
  if (!stateless && atomic) onlyAdoption(test);
  if (index && !stateless) adoptionOfSubjects(test);
  if (!stateless) devices(test, { atomic });
  keptThings(test);
  outages(test);
  renewals(test);
  frozenRequests(test);
  unfitRecords(test);

  test("a visitor who puts nothing in gets no cookie and costs no store call", async ({ makeApp, watch }) => {
    const client = new Client(makeApp());
    for (
      const path of [
        "/static",
        "/read",
        "/new",
        "/sid",
        "/expires",
        "/reflash",
        "/missing",
        "/renew",
      ]
    ) {
      const response = await client.fetch(path);
      assertEquals(response.headers.getSetCookie(), [], path);
      assertEquals(response.headers.get("vary"), null, path);
      assertEquals(response.headers.get("cache-control"), null, path);
      await response.body?.cancel();
    }
    assertEquals(watch.calls(), []);
  });

  test("what is put in is there in the next request", async ({ makeApp }) => {
    const client = new Client(makeApp());
    assertEquals(await client.json("/new"), true);
    await client.text("/set/name/%22Ada%22");
    assertEquals(await client.json("/read"), { name: "Ada" });
    assertEquals(await client.json("/new"), false);
  });

  test("falsy values, empty arrays and empty objects are kept", async ({ makeApp }) => {
    const client = new Client(makeApp());
    for (const value of ["0", "false", '""', "null", "[]", "{}"]) {
      await client.text(`/set/name/${encodeURIComponent(value)}`);
      assertEquals(await client.json("/read"), { name: JSON.parse(value) }, value);
    }
  });

  test("the cookie is HttpOnly, Secure, Lax, for the whole site, and lives as long", async ({ makeApp }) => {
    const response = await new Client(makeApp({ maxAge: 600 })).fetch("/set/a/1");
    const [cookie, ...more] = response.headers.getSetCookie();
    assertEquals(more, []);
    assertMatch(cookie!, /^sid=[^;]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    assertEquals(response.headers.get("cache-control"), "no-store");
    assertEquals(response.headers.get("vary"), "Cookie");
    await response.body?.cancel();
  });

  test("nested changes count, equal values don't", async ({ makeApp, watch }) => {
    const client = new Client(makeApp());
    await client.text("/push/apple");
    assertEquals(await client.text("/push/pear"), "true");
    assertEquals(await client.json("/read"), { cart: ["apple", "pear"] });
    watch.calls();
    assertEquals(await client.text(`/set/cart/${encodeURIComponent('["apple","pear"]')}`), "false");
    assertEquals(watch.calls(), ["read"]);
    const set = (json: string) => client.text(`/set/cart/${encodeURIComponent(json)}`);
    await set('[{"x":1,"y":{"z":2,"w":3}}]');
    watch.calls();
    assertEquals(await set('[{"y":{"w":3,"z":2},"x":1}]'), "false", "the order of keys is none");
    assertEquals(watch.calls(), ["read"]);
    await client.text("/clear");
    assertEquals(watch.calls(), ["read", "update"], "emptying is a change (CVE-2023-20862)");
    assertEquals(await client.json("/read"), {});
    assertEquals(await client.json("/new"), false);
  });

  test("an event names the keys that are written, and no values", async ({ makeApp, gate, atomic }) => {
    const told: { sid: string; keys: readonly string[] }[] = [];
    const client = new Client(makeApp({ events: { updated: (event) => told.push(event) } }));
    gate.open();
    const writes: [path: string, keys?: string[]][] = [
      ["/read"],
      ["/renew"],
      ["/set/a/1", ["a"]],
      ["/set/a/1"],
      ["/set/b/2", ["b"]],
      ["/set/cart/%5B%22apple%22%5D", ["cart"]],
      ["/push/pear", ["cart"]],
      ["/increment", ["count"]],
      ["/delete/a", ["a"]],
      ["/slow/saved", ["a"]],
      ["/flash"],
      ["/read"],
      ["/login/Ada", ["name"]],
      ["/throw"],
      ["/save-throw", ["name"]],
      ["/clear", ["b", "cart", "count", "a", "name"]],
      ["/switch", ["name"]],
      ["/start", ["name"]],
      ["/logout"],
    ];
    const sids: unknown[] = [];
    for (const [path, keys] of writes) {
      await client.text(path);
      assertEquals(told.map(({ keys }) => keys.toSorted()), keys ? [keys.toSorted()] : [], path);
      for (const event of told.splice(0)) {
        assertEquals(Object.keys(event), ["sid", "keys"]);
        if (path === "/save-throw") sids.push(event.sid, await client.text("/sid"));
      }
    }
    assertEquals(sids[0], sids[1]);
    if (!atomic) return;
    await client.text("/set/a/1");
    told.length = 0;
    await Promise.all(["/increment", "/increment", "/set/b/3"].map((path) => client.text(path)));
    assertEquals(told.map(({ keys }) => keys.join()).toSorted(), ["b", "count", "count"]);
  });

  test("the budget of store calls is kept", async ({ makeApp, watch }) => {
    const client = new Client(makeApp());
    await client.text("/set/a/1");
    assertEquals(watch.calls(), ["create"]);
    await client.text("/read");
    assertEquals(watch.calls(), ["read"]);
    await client.text("/static");
    assertEquals(watch.calls(), ["read"]);
    await client.text("/set/a/2");
    assertEquals(watch.calls(), ["read", "update"]);
    await client.text("/login/Ada");
    assertEquals(watch.calls(), ["read", "replace"]);
    await client.text("/renew");
    assertEquals(watch.calls(), ["read", "update"]);
    await client.text("/logout");
    assertEquals(watch.calls(), ["read", "delete"]);
  });

  test("a token that the client made up is never adopted", async ({ makeApp, watch, stateless }) => {
    const app = makeApp();
    const chosen = "A".repeat(43);
    for (
      const cookie of [
        `sid=${chosen}`,
        "sid=chosen",
        "sid=",
        "sid=a/../b",
        `sid=${"A".repeat(9000)}`,
      ]
    ) {
      const response = await app.request("/set/a/1", { headers: { cookie } });
      assertEquals(response.status, 200, cookie.slice(0, 60));
      const [sent] = response.headers.getSetCookie();
      assert(sent && !sent.startsWith(`${cookie};`), "another token");
      const again = await app.request("/read", { headers: { cookie } });
      assertEquals(await again.json(), {}, "the chosen token identifies no session");
      assertEquals(again.headers.getSetCookie(), [], "no clearing cookie on a mere miss");
    }
    if (!stateless) {
      watch.calls();
      await app.request("/read", { headers: { cookie: "sid=chosen" } });
      assertEquals(watch.calls(), [], "the wrong shape never reaches the store");
    }
  });

  for (const way of ["/logout", "/logout/null", "/logout/property", "/logout/helper"]) {
    test(`${way} ends the session and clears its cookie`, async ({ makeApp, revocable }) => {
      const client = new Client(makeApp());
      await client.text("/set/name/%22Ada%22");
      const thief = await client.thief();
      const response = await client.fetch(way);
      for (const read of await response.json()) assertEquals(read, {});
      assertEquals(response.headers.getSetCookie(), [
        "sid=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
      ]);
      assertEquals(response.headers.get("cache-control"), "no-store");
      assertEquals(await client.cookie(), "");
      // Nobody can take back what a client holds.
      assertEquals(await thief.json("/read"), revocable ? {} : { name: "Ada" });
    });
  }

  test("ending nothing does nothing", async ({ makeApp, watch }) => {
    const response = await new Client(makeApp()).fetch("/logout");
    await response.body?.cancel();
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals(watch.calls(), []);
  });

  test("an object assigned after the end begins another session", async ({ makeApp, revocable }) => {
    const client = new Client(makeApp());
    await client.text("/set/a/1");
    const [sid, token] = [await client.text("/sid"), await client.value()];
    const thief = await client.thief();
    const response = await client.fetch("/switch");
    assertEquals(await response.json(), { name: "another" });
    assertEquals(response.headers.getSetCookie().length, 1);
    assertNotEquals(await client.value(), token);
    assertNotEquals(await client.text("/sid"), sid);
    assertEquals(await client.json("/read"), { name: "another" });
    if (revocable) assertEquals(await thief.json("/read"), {});
  });

  test("startSession() begins an independent session", async ({ makeApp, revocable }) => {
    const client = new Client(makeApp());
    await client.text("/set/a/1");
    const thief = await client.thief();
    const response = await client.fetch("/start");
    assertEquals(await response.json(), true);
    assertEquals(response.headers.getSetCookie().length, 1);
    assertEquals(await client.json("/read"), { name: "started" });
    if (revocable) assertEquals(await thief.json("/read"), {});
  });

  test("regenerate() keeps data and handle, and the old token is invalid", async ({ makeApp, revocable }) => {
    const client = new Client(makeApp());
    await client.text("/set/a/1");
    const [sid, expires] = [await client.text("/sid"), await client.text("/expires")];
    const thief = await client.thief();
    const response = await client.fetch("/login/Ada");
    assertEquals(response.status, 302);
    assertEquals(response.headers.getSetCookie().length, 1);
    assertNotEquals(await client.value(), await thief.value());
    assertEquals(await client.json("/read"), { a: 1, name: "Ada" });
    assertEquals(await client.text("/sid"), sid);
    assertEquals(await client.text("/expires"), expires);
    if (revocable) assertEquals(await thief.json("/read"), {});
  });

  test("regenerate() of a session in which nothing is does nothing", async ({ makeApp, watch }) => {
    const response = await new Client(makeApp()).fetch("/regenerate");
    await response.body?.cancel();
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals(watch.calls(), []);
  });

  test("a session ends maxAge after its creation, written or not", async ({ makeApp, clock }) => {
    const client = new Client(makeApp({ maxAge: 600 }));
    await client.text("/set/a/1");
    clock.advance(300);
    await client.text("/set/a/2");
    // As if the browser did not keep to Max-Age.
    const cookie = await client.cookie();
    clock.advance(299);
    assertEquals(await client.json("/read", { headers: { cookie } }), { a: 2 });
    clock.advance(1);
    assertEquals(await client.json("/read", { headers: { cookie } }), {});
    assertEquals(await client.json("/new", { headers: { cookie } }), true);
  });

  test("a maxAge that was shortened ends older sessions too", async ({ makeApp, clock }) => {
    const client = new Client(makeApp({ maxAge: 86400 }));
    await client.text("/set/a/1");
    const cookie = await client.cookie();
    const shorter = makeApp({ maxAge: 600 });
    clock.advance(599);
    assertEquals(await (await shorter.request("/read", { headers: { cookie } })).json(), { a: 1 });
    clock.advance(1);
    assertEquals(await (await shorter.request("/read", { headers: { cookie } })).json(), {});
  });

  test("renew() moves cookie and record together", async ({ makeApp, clock }) => {
    const client = new Client(makeApp({ maxAge: 600 }));
    await client.text("/set/a/1");
    clock.advance(500);
    const response = await client.fetch("/renew");
    await response.body?.cancel();
    assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=600;/);
    const cookie = await client.cookie();
    clock.advance(599);
    assertEquals(await client.json("/read", { headers: { cookie } }), { a: 1 });
    clock.advance(1);
    assertEquals(await client.json("/read", { headers: { cookie } }), {});
  });

  test("renew(seconds) sticks to the session", async ({ makeApp, clock }) => {
    const client = new Client(makeApp({ maxAge: 600 }));
    await client.text("/set/a/1");
    const response = await client.fetch("/renew/6000");
    await response.body?.cancel();
    assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=6000;/);
    const cookie = await client.cookie();
    clock.advance(5000);
    const login = await client.fetch("/login/Ada", { headers: { cookie } });
    assertMatch(login.headers.getSetCookie()[0]!, /Max-Age=1000;/);
    const renewed = await client.fetch("/renew", {
      headers: { cookie: login.headers.getSetCookie()[0]!.split(";")[0]! },
    });
    await renewed.body?.cancel();
    assertMatch(renewed.headers.getSetCookie()[0]!, /Max-Age=6000;/);
  });

  test('renew("browser") makes a cookie that ends with the browser', async ({ makeApp, clock }) => {
    const client = new Client(makeApp({ maxAge: 600 }));
    await client.text("/set/a/1");
    const response = await client.fetch("/browser");
    await response.body?.cancel();
    assertMatch(
      response.headers.getSetCookie()[0]!,
      /^sid=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    const login = await client.fetch("/login/Ada");
    assert(!login.headers.getSetCookie()[0]!.includes("Max-Age"), "it sticks");
    clock.advance(600);
    assertEquals(await client.json("/read"), {}, "the server keeps maxAge");
  });

  test("persistent: false makes cookies that end with the browser, but where a lifetime is asked for", async ({ makeApp, clock }) => {
    const app = makeApp({ maxAge: 1000, persistent: false, rolling: true, existsCookieName: "sx" });
    const client = new Client(app);
    const maxAges = async (path: string) => {
      const response = await client.fetch(path);
      await response.body?.cancel();
      return response.headers.getSetCookie().map((line) => /Max-Age=(\d+)/.exec(line)?.[1]);
    };
    const ending = [undefined, undefined];
    assertEquals(await maxAges("/set/a/1"), ending);
    assertEquals(await maxAges("/login/Ada"), ending);
    assertEquals(await maxAges("/renew"), ending);
    clock.advance(500);
    assertEquals(await maxAges("/read"), ending, "renewed by use");
    assertEquals(await maxAges("/renew/6000"), ["6000", "6000"]);
    assertEquals(await maxAges("/login/Bob"), ["6000", "6000"], "it sticks");
    clock.advance(1000);
    assertEquals(await maxAges("/renew"), ["6000", "6000"]);
    assertEquals(await maxAges("/browser"), ending);
    assertEquals(await maxAges("/login/Cid"), ending);
    assertEquals(await maxAges("/start"), ending, "another session");
    const cookie = await client.cookie();
    clock.advance(1000);
    assertEquals(
      await client.json("/read", { headers: { cookie } }),
      {},
      "the server keeps maxAge",
    );
  });

  test("rolling renews on use, at most once per tenth of maxAge", async ({ makeApp, clock, watch }) => {
    const client = new Client(makeApp({ maxAge: 1000, rolling: true }));
    await client.text("/set/a/1");
    watch.calls();
    clock.advance(99);
    assertEquals((await client.fetch("/read")).headers.getSetCookie(), []);
    assertEquals(watch.calls(), ["read"]);
    clock.advance(1);
    const response = await client.fetch("/read");
    assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=1000;/);
    assertEquals(watch.calls(), ["read", "touch"]);
    for (let times = 0; times < 30; times++) {
      clock.advance(900);
      assertEquals(await client.json("/read"), { a: 1 });
    }
    const cookie = await client.cookie();
    clock.advance(1000);
    assertEquals(await client.json("/read", { headers: { cookie } }), {});
  });

  test("rolling: { after } sets the throttle, and a write renews in one go", async ({ makeApp, clock, watch }) => {
    const client = new Client(makeApp({ maxAge: 1000, rolling: { after: 500 } }));
    await client.text("/set/a/1");
    watch.calls();
    clock.advance(434);
    const expires = await client.text("/expires");
    await client.text("/set/a/2");
    assertEquals(await client.text("/expires"), expires);
    assertEquals(watch.calls(), ["read", "read", "update", "read"]);
    clock.advance(1);
    // A write renews a little sooner than a touch, which must not get in its way.
    const response = await client.fetch("/set/a/3");
    await response.body?.cancel();
    assertEquals(watch.calls(), ["read", "update"]);
    assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=1000;/);
  });

  test("no renewal passes absoluteMaxAge", async ({ makeApp, clock }) => {
    const client = new Client(makeApp({ maxAge: 1000, rolling: true, absoluteMaxAge: 1500 }));
    await client.text("/set/a/1");
    clock.advance(800);
    assertMatch((await client.fetch("/read")).headers.getSetCookie()[0]!, /Max-Age=700;/);
    clock.advance(200);
    const cookie = await client.cookie();
    assertEquals(
      (await client.fetch("/read")).headers.getSetCookie(),
      [],
      "there is nothing to gain",
    );
    const login = await client.fetch("/login/Ada");
    assertMatch(login.headers.getSetCookie()[0]!, /Max-Age=500;/);
    clock.advance(500);
    assertEquals(await client.json("/read", { headers: { cookie } }), {});
  });

  test("flash() lasts for this request and the next one", async ({ makeApp }) => {
    const client = new Client(makeApp());
    assertEquals(await client.json("/flash"), { notice: "saved" });
    assertEquals(await client.json("/read"), { notice: "saved" });
    assertEquals(await client.json("/read"), {});
  });

  test("a request that fails does not consume a flash", async ({ makeApp }) => {
    const client = new Client(makeApp());
    await client.text("/flash");
    await client.text("/throw");
    await client.text("/status/500");
    assertEquals(await client.json("/read"), { notice: "saved" });
    assertEquals(await client.json("/read"), {});
  });

  test("a request that can't show a flashed value leaves it, and writes nothing", async ({ makeApp, watch }) => {
    const client = new Client(makeApp());
    await client.text("/set/name/%22Ada%22");
    await client.text("/flash");
    watch.calls();
    const unshown: [path: string, init: RequestInit][] = [
      ["/read", { method: "HEAD" }],
      ["/read", { method: "OPTIONS" }],
      ["/not-modified", {}],
      ["/read", { headers: { "sec-purpose": "prefetch", "sec-fetch-dest": "document" } }],
      ["/read", { headers: { purpose: "prefetch" } }],
      ["/read", { headers: { "sec-fetch-dest": "image" } }],
      ["/missing", { headers: { "sec-fetch-dest": "style" } }],
      ["/set/name/%22Ada%22", { headers: { "sec-fetch-dest": "script" } }],
      ["/favicon.ico", {}],
    ];
    for (const [path, init] of unshown) {
      const response = await client.fetch(path, init);
      await response.body?.cancel();
      assertEquals(watch.calls(), ["read"], path);
      assertEquals(response.headers.getSetCookie(), [], path);
    }
    assertEquals(await client.json("/read"), { name: "Ada", notice: "saved" });
    assertEquals(await client.json("/read"), { name: "Ada" });
  });

  test("a request that can't show a flashed value changes, reflashes, flashes and saves as any other", async ({ makeApp }) => {
    const client = new Client(makeApp());
    const image = { headers: { "sec-fetch-dest": "image" } };
    await client.text("/flash");
    await client.text("/set/a/1", image);
    await client.text("/save/b/2", image);
    await client.text("/regenerate", image);
    await client.text("/reflash", image);
    assertEquals(await client.json("/read"), { a: 1, b: 2, notice: "saved" });
    assertEquals(await client.json("/read"), { a: 1, b: 2 });
    await client.text("/flash");
    await client.text("/flash-not-modified");
    assertEquals(await client.json("/read", image), { a: 1, b: 2, notice: "flashed" });
    assertEquals(await client.json("/read"), { a: 1, b: 2, notice: "flashed" });
    assertEquals(await client.json("/read"), { a: 1, b: 2 });
    await client.text("/flash");
    await client.text("/set/notice/%22data%22", image);
    for (const _ of [1, 2]) {
      assertEquals(await client.json("/read"), { a: 1, b: 2, notice: "data" });
    }
  });

  test("a page and a call of the application consume a flashed value", async ({ makeApp }) => {
    const client = new Client(makeApp());
    for (const destination of ["document", "iframe", "empty", undefined]) {
      await client.text("/flash");
      const headers: HeadersInit = destination ? { "sec-fetch-dest": destination } : {};
      assertEquals(await client.json("/read", { headers }), { notice: "saved" });
      assertEquals(await client.json("/read"), {}, destination);
    }
    await client.text("/flash");
    await client.text("/missing", { headers: { "sec-fetch-dest": "document" } });
    assertEquals(await client.json("/read"), {}, "a page that says that there is none");
  });

  test("reflash() keeps flashed values for one request more", async ({ makeApp }) => {
    const client = new Client(makeApp());
    await client.text("/flash");
    assertEquals(await client.json("/reflash"), { notice: "saved" });
    assertEquals(await client.json("/read"), { notice: "saved" });
    assertEquals(await client.json("/read"), {});
  });

  test("a flashed key that is assigned becomes data", async ({ makeApp }) => {
    const client = new Client(makeApp());
    await client.text("/flash");
    await client.text("/set/notice/%22kept%22");
    await client.text("/read");
    assertEquals(await client.json("/read"), { notice: "kept" });
  });

  test("a status of 500 and above drops changes, another one keeps them, thrown or returned", async ({ makeApp, watch }) => {
    const client = new Client(makeApp());
    for (const path of ["/throw", "/status/500", "/status/503", "/throw-status/500"]) {
      const response = await client.fetch(path);
      assertEquals(response.headers.getSetCookie(), [], path);
      await response.body?.cancel();
    }
    assertEquals(watch.calls(), []);
    await client.text("/status/404");
    assertEquals(await client.json("/read"), { name: "status 404" });
    await client.text("/throw");
    assertEquals(await client.json("/read"), { name: "status 404" });
    assertEquals(await client.text("/throw-status/403"), "refused");
    assertEquals(await client.json("/read"), { name: "thrown 403" });
    await client.text("/throw-status/503");
    assertEquals(await client.json("/read"), { name: "thrown 403" });
    const visitor = new Client(makeApp());
    assertEquals((await visitor.fetch("/throw-status/422")).headers.getSetCookie().length, 1);
    assertEquals(await visitor.json("/read"), { name: "thrown 422" });
  });

  test("discard() forgets what the request changed, and keeps what is flashed after it", async ({ makeApp, records, stateless }) => {
    const client = new Client(makeApp());
    await client.text("/set/name/%22Ada%22");
    const [sid, expires] = [await client.text("/sid"), await client.text("/expires")];
    for (const path of ["/invalid", "/invalid?login=1"]) {
      assertEquals((await client.fetch(path)).status, 303);
      assertEquals(await client.json("/read"), { name: "Ada", notice: "name is missing" }, path);
      assertEquals(await client.json("/read"), { name: "Ada" }, path);
      assertEquals([await client.text("/sid"), await client.text("/expires")], [sid, expires]);
    }
    if (!stateless) assertEquals((await records()).map(({ subject }) => subject), [undefined]);
    const visitor = new Client(makeApp());
    await visitor.text("/invalid");
    assertEquals(await visitor.json("/read"), { notice: "name is missing" });
    assertEquals(await visitor.json("/read"), {});
  });

  test("discard() keeps the new token that regenerate() asks for", async ({ makeApp, revocable }) => {
    const client = new Client(makeApp());
    await client.text("/set/name/%22Ada%22");
    const before = await client.thief();
    const response = await client.fetch("/invalid?login=1");
    assertEquals(response.headers.getSetCookie().length, 1);
    assertNotEquals(await client.value(), await before.value());
    if (revocable) assertEquals(await before.json("/read"), {});
    assertEquals(await client.json("/read"), { name: "Ada", notice: "name is missing" });
  });

  test("commitOnError keeps changes", async ({ makeApp }) => {
    const client = new Client(makeApp({ commitOnError: true }));
    assertEquals(await client.text("/throw"), "failed");
    assertEquals(await client.json("/read"), { name: "thrown" });
  });

  test("an error does not undo what was saved, ended or given a new token", async ({ makeApp, revocable }) => {
    const client = new Client(makeApp());
    assertEquals(await client.text("/save-throw"), "failed");
    assertEquals(await client.json("/read"), { name: "saved" });

    const before = await client.thief();
    assertEquals((await client.fetch("/throw-login")).headers.getSetCookie().length, 1);
    assertEquals(await client.json("/read"), { name: "saved" });
    if (revocable) assertEquals(await before.json("/read"), {});

    const thief = await client.thief();
    assertMatch(
      (await client.fetch("/throw-logout")).headers.getSetCookie()[0]!,
      /^sid=; Max-Age=0/,
    );
    if (revocable) assertEquals(await thief.json("/read"), {});
  });

  test("a store that fails is 503 and never sets a cookie", async ({ makeApp, watch, stateless }) => {
    const app = makeApp({ logger: { error() {}, warn() {} } }).onError((error, c) =>
      "getResponse" in error
        ? (error as { getResponse(): Response }).getResponse()
        : c.text("failed", 500)
    );
    const client = new Client(app);
    const fails = async (operation: StoreOperation, path: string) => {
      watch.inject(operation, "fail");
      const response = await client.fetch(path);
      assertEquals([response.status, await response.text()], [503, "Service Unavailable"], path);
      assertEquals(response.headers.getSetCookie(), [], path);
      assertEquals(response.headers.get("location"), null, path);
      watch.heal();
    };
    await fails("create", "/set/a/1");
    assertEquals(await client.cookie(), "");
    await client.text("/set/a/1");
    await fails("read", "/read");
    await fails("update", "/set/a/2");
    await fails("replace", "/login/Ada");
    await fails("update", "/renew");
    if (!stateless) await fails("delete", "/logout");
    await fails("create", "/start");
    assertEquals(await client.json("/read"), { a: 1 });
  });

  test("a failing commit does not mask the handler's own error", async ({ makeApp, watch }) => {
    const logged: unknown[] = [];
    const logger = { warn() {}, error: (message: string) => logged.push(message) };
    const client = new Client(makeApp({ logger }));
    await client.text("/set/a/1");
    watch.inject("delete", "fail");
    const response = await client.fetch("/throw-logout");
    assertEquals([response.status, await response.text()], [500, "failed"]);
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals(logged.length, 1);
  });

  test('onStoreError: "anonymous" goes on without the session', async ({ makeApp, watch }) => {
    const app = makeApp({ onStoreError: "anonymous", logger: { error() {}, warn() {} } });
    const client = new Client(app);
    await client.text("/set/name/%22Ada%22");
    const cookie = await client.cookie();
    watch.inject("read", "fail");
    const response = await client.fetch("/read");
    assertEquals([response.status, await response.json()], [200, {}]);
    assertEquals(response.headers.getSetCookie(), []);
    for (
      const path of [
        "/set/a/1",
        "/logout",
        "/login/Eve",
        "/clear",
        "/flash",
        "/start",
        "/push/apple",
      ]
    ) {
      const refused = await client.fetch(path);
      assertEquals(refused.status, 500, path);
      assertEquals(refused.headers.getSetCookie(), [], path);
      await refused.body?.cancel();
    }
    watch.heal();
    assertEquals(await client.cookie(), cookie);
    assertEquals(await client.json("/read"), { name: "Ada" });
  });

  test('onStoreError: "anonymous" refuses nested changes too, when the request ends', async ({ makeApp, watch }) => {
    const app = makeApp({
      onStoreError: "anonymous",
      initial: { cart: ["pear"] },
      logger: { error() {}, warn() {} },
    });
    const client = new Client(app);
    await client.text("/set/a/1");
    watch.inject("read", "fail");
    assertEquals(await client.json("/read"), { cart: ["pear"] });
    const response = await client.fetch("/push/apple");
    assertEquals(response.status, 503);
    assertEquals(response.headers.getSetCookie(), []);
    await response.body?.cancel();
    watch.heal();
    assertEquals(await client.json("/read"), { cart: ["pear"], a: 1 });
  });

  test("a store that hangs is answered in time", async ({ makeApp, watch }) => {
    const client = new Client(makeApp());
    await client.text("/set/a/1");
    watch.inject("read", "hang");
    const app = makeApp({ storeTimeout: 0.02 });
    const headers = { cookie: await client.cookie() };
    assertEquals((await app.request("/read", { headers })).status, 503);
    assertEquals((await app.request("/static")).status, 200, "anonymous visitors don't notice");
  });

  lateChanges(test);
  innerRequests(test);
  severalCookies(test);
  starts(test);
  if (revocable) endRaces(test);
  if (stateless) return;
  races(test);
  lateRaces(test);
  if (atomic) {
    atomicRaces(test);
    confirmationRaces(test);
  }
}
