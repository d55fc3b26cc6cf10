import type { SessionOptions } from "@x/hono-session";
import { assert, assertEquals } from "@std/assert";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";
import { withSameCookie } from "../_support/same_cookie.ts";
import type { Data } from "./_app.ts";
import type { SceneTest } from "./_suite.ts";

const MANY = 50;
/** Each has a queue of its own, so that all write at the same time. */
const MACHINES = 20;

/** What holds of several requests that write at the same time, to stores that the sessions are kept in. */
export function races(test: SceneTest): void {
  test("a session that ends by the policy while a request runs is not written", async ({ makeApp, gate, clock }) => {
    const client = new Client(makeApp({ maxAge: 1000 }));
    await client.text("/set/a/1");
    const slow = makeApp({ maxAge: 100 }).request("/slow/set/a/2", {
      headers: { cookie: await client.cookie() },
    });
    await gate.arrived();
    clock.advance(100);
    gate.open();
    assertEquals((await slow).headers.getSetCookie(), []);
    assertEquals(await client.json("/read"), { a: 1 });
  });
}

/** The same, to stores that lose no write. */
export function atomicRaces(test: SceneTest): void {
  dataRaces(test);
  timeRaces(test);
  loginRaces(test);
}

function dataRaces(test: SceneTest): void {
  test(`${MANY} parallel requests that each set another key leave ${MANY} keys`, async ({ makeApp, gate }) => {
    const client = new Client(makeApp());
    await client.text("/set/name/%22Ada%22");
    const keys = Array.from({ length: MANY }, (_, index) => [`key${index}`, index] as const);
    const writers = keys.map(([key, value]) => client.fetch(`/slow/set/${key}/${value}`));
    await gate.arrived(MANY);
    gate.open();
    for (const response of await Promise.all(writers)) {
      assertEquals([response.status, await response.text()], [202, "slow"]);
    }
    assertEquals(await client.json("/read"), { name: "Ada", ...Object.fromEntries(keys) });
  });

  test(`${MACHINES} machines that each set another key leave ${MACHINES} keys`, async ({ makeApp, gate }) => {
    const first = new Client(makeApp());
    await first.text("/set/name/%22Ada%22");
    const keys = Array.from({ length: MACHINES }, (_, index) => [`key${index}`, index] as const);
    const clients = await Promise.all(keys.map(() => withSameCookie(first, makeApp())));
    const writers = keys.map(([key, value], index) =>
      clients[index]!.fetch(`/slow/set/${key}/${value}`)
    );
    await gate.arrived(MACHINES);
    gate.open();
    for (const response of await Promise.all(writers)) {
      assertEquals([response.status, await response.text()], [202, "slow"]);
    }
    assertEquals(await first.json("/read"), { name: "Ada", ...Object.fromEntries(keys) });
  });

  test(`${MANY} parallel updates leave ${MANY}`, async ({ makeApp, gate }) => {
    const client = new Client(makeApp());
    await client.text("/set/count/0");
    const increments = Array.from({ length: MANY }, () => client.json("/increment"));
    await gate.arrived(MANY);
    gate.open();
    const counts = await Promise.all(increments) as number[];
    assertEquals(
      counts.sort((a, b) => a - b),
      Array.from({ length: MANY }, (_, index) => index + 1),
    );
    assertEquals(await client.json("/read"), { count: MANY });
  });

  test("writes of two machines at the same time are all kept", async ({ makeApp, watch }) => {
    const one = new Client(makeApp());
    await one.text("/set/name/%22Ada%22");
    const other = await withSameCookie(one, makeApp());
    const held = new Gate();
    // Both have read, and both have made up their minds.
    watch.inject("update", () => held.pass(), 2);
    const writes = [one.fetch("/set/a/1"), other.fetch("/set/b/2")];
    await held.arrived(2);
    held.open();
    assertEquals((await Promise.all(writes)).map(({ status }) => status), [200, 200]);
    assertEquals(await one.json("/read"), { name: "Ada", a: 1, b: 2 });
  });

  test("deleting a key in one request and setting another in the other keeps both", async ({ makeApp, gate }) => {
    const client = new Client(makeApp());
    await client.text("/set/a/1");
    await client.text("/set/b/2");
    const slow = [client.text("/slow/delete/a"), client.text("/slow/set/name/%22Ada%22")];
    await gate.arrived(2);
    await client.text("/delete/b");
    gate.open();
    await Promise.all(slow);
    assertEquals(await client.json("/read"), { name: "Ada" });
  });

  test("a nested change keeps what others did to other keys, and wins its own key whole", async ({ makeApp, gate }) => {
    const client = new Client(makeApp());
    await client.text("/push/apple");
    await client.text("/set/a/1");
    const slow = client.text("/slow/push/pear");
    await gate.arrived();
    await client.text("/set/cart/[%22plum%22]");
    await client.text("/set/b/2");
    await client.text("/delete/a");
    gate.open();
    await slow;
    assertEquals(await client.json("/read"), { cart: ["apple", "pear"], b: 2 });
  });

  test("of deleting and changing the same key the last one wins", async ({ makeApp, gate }) => {
    const client = new Client(makeApp());
    await client.text("/push/apple");
    await client.text("/set/a/1");
    const slow = [client.text("/slow/push/pear"), client.text("/slow/delete/a")];
    await gate.arrived(2);
    await client.text("/delete/cart");
    await client.text("/set/a/2");
    gate.open();
    await Promise.all(slow);
    assertEquals(await client.json("/read"), { cart: ["apple", "pear"] });
  });

  test("a request that only read writes nothing, whatever others wrote meanwhile", async ({ makeApp, gate, watch }) => {
    const client = new Client(makeApp());
    await client.text("/set/a/1");
    watch.calls();
    const slow = client.fetch("/slow/read");
    await gate.arrived();
    assertEquals(watch.calls(), ["read"]);
    await client.text("/set/a/2");
    assertEquals(watch.calls(), ["read", "update"]);
    gate.open();
    const response = await slow;
    assertEquals([response.status, await response.json()], [202, { a: 1 }]);
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals(watch.calls(), []);
    assertEquals(await client.json("/read"), { a: 2 });
  });

  test("a commit that is overtaken as long as there is time gives up: 409, no cookie, nothing stored", async ({ makeApp, watch, records, shortTimeout: storeTimeout }) => {
    const client = new Client(
      makeApp({ storeTimeout }).onError((error, c) =>
        "getResponse" in error
          ? (error as { getResponse(): Response }).getResponse()
          : c.text("failed", 500)
      ),
    );
    await client.text("/set/a/1");
    const cookie = await client.cookie();
    const before = await records();
    for (const [operation, path] of [["update", "/set/a/2"], ["replace", "/login/Ada"]] as const) {
      watch.inject(operation, "refuse");
      watch.calls();
      const response = await client.fetch(path);
      assertEquals([response.status, await response.text()], [409, "Conflict"], path);
      assertEquals(response.headers.getSetCookie(), [], path);
      assert(watch.calls().filter((call) => call === operation).length > 2, path);
    }
    assertEquals(await records(), before);
    assertEquals(await client.cookie(), cookie);
    watch.heal();
    assertEquals(await client.json("/read"), { a: 1 });
  });
}

function timeRaces(test: SceneTest): void {
  const policy = { maxAge: 1000, rolling: true } satisfies SessionOptions<Data>;

  test("a touch undoes no write of another machine", async ({ makeApp, watch, clock }) => {
    const reader = new Client(makeApp(policy));
    await reader.text("/set/a/1");
    const writer = await withSameCookie(reader, makeApp({ ...policy, rolling: false }));
    clock.advance(100);
    const held = new Gate();
    watch.inject("touch", () => held.pass(), 1);
    const touching = reader.fetch("/read");
    await held.arrived();
    await writer.text("/set/a/2");
    held.open();
    await (await touching).body?.cancel();
    assertEquals(await reader.json("/read"), { a: 2 });
    const cookie = await reader.cookie();
    clock.advance(999);
    assertEquals(await reader.json("/read", { headers: { cookie } }), { a: 2 }, "it was renewed");
  });

  test("a write and a touch of two machines at the same time are both done", async ({ makeApp, watch, clock }) => {
    const writer = new Client(makeApp(policy));
    await writer.text("/set/a/1");
    const reader = await withSameCookie(writer, makeApp(policy));
    clock.advance(100);
    const held = new Gate();
    watch.inject("update", () => held.pass(), 1);
    watch.inject("touch", () => held.pass(), 1);
    const both = [writer.text("/set/a/2"), reader.text("/read")];
    await held.arrived(2);
    held.open();
    await Promise.all(both);
    const cookie = await reader.cookie();
    clock.advance(999);
    assertEquals(await reader.json("/read", { headers: { cookie } }), { a: 2 });
  });

  for (const skew of [-60, 60]) {
    test(`a clock that is ${skew} seconds off does no harm`, async ({ makeApp, clock, records }) => {
      const here = makeApp(policy);
      const there = makeApp({ ...policy, clock: () => clock.now() + skew * 1000 });
      const client = new Client(here);
      await client.text("/set/a/1");
      const headers = { cookie: await client.cookie() };
      let [last] = await records();
      for (let count = 1; count <= 6; count++) {
        // Close to the life of the session, as far as the clocks agree.
        clock.advance(1000 - Math.abs(skew) - 1);
        for (const [turn, app] of [there, here, there].entries()) {
          const path = `/set/key${count}-${turn}/1`;
          assertEquals(await (await app.request(path, { headers })).json(), true);
          const [now] = await records();
          for (const time of ["lastSeenAt", "renewedAt", "expiresAt"] as const) {
            assert(now![time] >= last![time], `${time} went back`);
          }
          last = now;
        }
      }
      assertEquals(Object.keys(JSON.parse(last!.data)).length, 19);
      clock.advance(1000 + Math.abs(skew));
      for (const app of [there, here]) {
        assertEquals(await (await app.request("/read", { headers })).json(), {}, "it is over");
      }

      await client.text("/set/b/1");
      const other = await withSameCookie(client, there);
      assertEquals(await other.json("/read"), { b: 1 });
      await other.text("/logout");
      assertEquals(await client.json("/read"), {});
    });
  }
}

function loginRaces(test: SceneTest): void {
  test("of two logins on one anonymous session each is logged in, and the second one has only what it put in", async ({ makeApp, gate, records }) => {
    const created: string[] = [];
    const ada = new Client(makeApp({ events: { created: ({ sid }) => created.push(sid) } }));
    await ada.text("/push/pear");
    const anonymous = await ada.thief();
    const eve = await ada.thief();
    const slow = eve.fetch("/slow/login/Eve");
    await gate.arrived();
    await ada.text("/login/Ada");
    gate.open();
    const response = await slow;
    assertEquals([response.status, await response.text()], [202, "slow"]);
    assertEquals(response.headers.getSetCookie().length, 1);
    assertEquals(await ada.json("/read"), { cart: ["pear"], name: "Ada" });
    assertEquals(await eve.json("/read"), { name: "Eve" });
    assertEquals(await anonymous.json("/read"), {});
    const sids = (await records()).map(({ sid }) => sid);
    assertEquals([...sids].sort(), [...created].sort(), "two sessions");
    assertEquals(new Set(sids).size, 2);
    await ada.text("/logout");
    assertEquals(await eve.json("/read"), { name: "Eve" }, "each of its own");
  });

  test("two logins on two machines at the same time are both logged in", async ({ makeApp, watch, records }) => {
    const interrupted: string[] = [];
    const events = { interrupted: () => interrupted.push("interrupted") };
    const clients = [new Client(makeApp({ events }))];
    await clients[0]!.text("/push/pear");
    clients.push(await withSameCookie(clients[0]!, makeApp({ events })));
    const anonymous = await clients[0]!.thief();
    const held = new Gate();
    watch.inject("replace", () => held.pass(), 2);
    const logins = clients.map((client, index) => client.fetch(`/login/${index}`));
    await held.arrived(2);
    held.open();
    const responses = await Promise.all(logins);
    assertEquals(responses.map(({ status }) => status), [302, 302]);
    assertEquals(responses.map(({ headers }) => headers.getSetCookie().length), [1, 1]);
    const found = await Promise.all(clients.map((client) => client.json("/read")));
    assertEquals(found.map((data) => (data as Data).name), ["0", "1"]);
    assertEquals(found.filter((data) => "cart" in (data as Data)).length, 1, "one moved");
    assertEquals(await anonymous.json("/read"), {});
    assertEquals(interrupted.length, 0);
    assertEquals((await records()).length, 2);
  });

  test("a second click on a login of who is logged in as the same user is not lost", async ({ makeApp, gate }) => {
    const client = new Client(makeApp());
    await client.text("/push/pear");
    await client.text("/login/Ada");
    const second = await client.thief();
    const slow = second.fetch("/slow/login/Ada");
    await gate.arrived();
    await client.text("/login/Ada");
    gate.open();
    await (await slow).text();
    assertEquals(await second.json("/read"), { name: "Ada" });
    assertEquals(await client.json("/read"), { name: "Ada", cart: ["pear"] });
  });

  test("a login that comes second is not lost with save() either", async ({ makeApp, gate }) => {
    const client = new Client(makeApp());
    await client.text("/push/pear");
    const second = await client.thief();
    const slow = second.fetch("/slow/login-saved/Eve");
    await gate.arrived();
    await client.text("/login/Ada");
    gate.open();
    const response = await slow;
    assertEquals([response.status, await response.json()], [202, { name: "Eve" }]);
    assertEquals(await second.json("/read"), { name: "Eve" });
  });

  test("a login that comes second gains nothing by a store that fails", async ({ makeApp, gate, watch }) => {
    const client = new Client(makeApp());
    await client.text("/push/pear");
    const second = await client.thief();
    const slow = second.fetch("/slow/login-saved-twice/Eve");
    await gate.arrived();
    await client.text("/login/Ada");
    watch.inject("create", "fail", 1);
    gate.open();
    assertEquals((await slow).status, 202);
    assertEquals(await second.json("/read"), { name: "Eve" });
    assertEquals(await client.json("/read"), { cart: ["pear"], name: "Ada" });
  });

  test("a login that comes second is not lost with update() either", async ({ makeApp, gate }) => {
    const client = new Client(makeApp());
    await client.text("/set/count/1");
    const second = await client.thief();
    const slow = second.fetch("/slow/login-counted/Eve");
    await gate.arrived();
    await client.text("/login/Ada");
    gate.open();
    const response = await slow;
    const text = await response.text();
    assertEquals([response.status, text], [202, "1"], "its own count");
    assertEquals(await second.json("/read"), { name: "Eve", count: 1 });
    assertEquals(await client.json("/read"), { name: "Ada", count: 1 });
  });

  test("two logins that count with update() at the same time count in their own sessions", async ({ makeApp, gate }) => {
    const clients = [new Client(makeApp())];
    await clients[0]!.text("/set/count/1");
    clients.push(await clients[0]!.thief());
    const logins = clients.map((client, index) => client.json(`/slow/login-counted/${index}`));
    await gate.arrived(2);
    gate.open();
    const counts = await Promise.all(logins);
    assertEquals([...counts].sort(), [1, 2], "one moved, one began");
    for (const [index, client] of clients.entries()) {
      assertEquals(await client.json("/read"), { name: `${index}`, count: counts[index] });
    }
  });

  test("what update() stores after regenerate() is never found under the token before", async ({ makeApp, gate, watch }) => {
    const client = new Client(makeApp());
    await client.text("/set/count/1");
    const fixated = await client.thief();
    watch.inject("replace", "fail", 2);
    const login = client.fetch("/slow/login-counted/Ada");
    await gate.arrived();
    gate.open();
    await (await login).text();
    assertEquals(await fixated.json("/read"), { count: 1 });
  });

  test("a new token alone, asked for by two requests, is given to one", async ({ makeApp, gate }) => {
    const interrupted: string[] = [];
    const events = { interrupted: () => interrupted.push("interrupted") };
    const client = new Client(makeApp({ events }));
    await client.text("/push/pear");
    const second = await client.thief();
    const slow = second.fetch("/slow/regenerate");
    await gate.arrived();
    await client.text("/login/Ada");
    gate.open();
    assertEquals((await slow).headers.getSetCookie(), []);
    assertEquals(await second.json("/read"), {});
    assertEquals(interrupted.length, 1);
  });

  test("startSession() begins an independent session, whatever becomes of the other one", async ({ makeApp, gate }) => {
    const client = new Client(makeApp());
    await client.text("/set/cart/[%22pear%22]");
    const [first, second] = [await client.thief(), await client.thief()];
    const slow = [first.fetch("/slow/start"), second.fetch("/slow/start")];
    await gate.arrived(2);
    await client.text("/login/Ada");
    gate.open();
    for (const response of await Promise.all(slow)) {
      assertEquals([response.status, await response.text()], [202, "slow"]);
      assertEquals(response.headers.getSetCookie().length, 1);
    }
    for (const started of [first, second]) {
      assertEquals(await started.json("/read"), { name: "started" });
    }
    assertEquals(new Set([await first.value(), await second.value()]).size, 2);
    await first.text("/logout");
    assertEquals(await second.json("/read"), { name: "started" });
    assertEquals(await client.json("/read"), { cart: ["pear"], name: "Ada" });
  });

  test("two logins without a session share nothing", async ({ makeApp, gate, records }) => {
    const app = makeApp();
    const [ada, eve] = [new Client(app), new Client(app)];
    const slow = [ada.text("/slow/login/Ada"), eve.text("/slow/login/Eve")];
    await gate.arrived(2);
    gate.open();
    await Promise.all(slow);
    assertEquals(await ada.json("/read"), { name: "Ada" });
    assertEquals(await eve.json("/read"), { name: "Eve" });
    assert(await ada.value() !== await eve.value());
    assertEquals((await records()).length, 2);
  });
}
