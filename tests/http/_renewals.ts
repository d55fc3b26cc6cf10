import { session, type SessionOptions } from "@x/hono-session";
import type { StoreOperation } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";
import type { Data } from "./_app.ts";
import type { Scene, SceneTest } from "./_suite.ts";

/** How long sessions live, in seconds. */
const LIFE = 3600;
/** The operations that write. */
const WRITES: StoreOperation[] = ["create", "update", "replace", "touch"];

/** A renewal or a rotation that a request only happens upon is no reason for it to fail. */
export function renewals(test: SceneTest): void {
  for (const fault of ["fail", "late", "hang"] as const) {
    test(`a renewal that fails alone (${fault}) fails none of six requests, and the next one tries again`, async (scene) => {
      const { client, logged, watch, calls, six } = await setup(scene, {
        rolling: true,
        ...(fault === "hang" && { storeTimeout: scene.shortTimeout }),
      });
      scene.clock.advance(LIFE / 2);
      const connection = setInterval(() => {}, 1000);
      for (const operation of WRITES) watch.inject(operation, fault);
      for (const response of await six()) {
        assertEquals([response.status, await response.json()], [200, { name: "Ada" }]);
        assertEquals(response.headers.getSetCookie(), []);
      }
      clearInterval(connection);
      assertEquals(calls(), ["touch"]);
      assertEquals(logged.length, 1);
      assertMatch(logged[0]!, /Cannot touch session: /);

      watch.heal();
      if (fault === "late") await watch.settled();
      scene.clock.advance(1);
      const next = await client.fetch("/read");
      assertEquals(await next.json(), { name: "Ada" });
      // What is stored although its answer got lost is done, but for the client that holds it itself.
      if (fault === "late" && !scene.stateless) return;
      assertEquals(calls(), ["touch"]);
      assertMatch(next.headers.getSetCookie()[0]!, /Max-Age=3600/);
    });
  }

  test("a renewal that fails alone tells storeError, and logs nothing where that is listened to", async (scene) => {
    const told: string[] = [];
    const events = {
      storeError: (event: { operation: string }) => void told.push(event.operation),
    };
    const { client, logged, watch } = await setup(scene, { rolling: true, events });
    scene.clock.advance(LIFE / 2);
    watch.inject("touch", "fail");
    assertEquals(await client.json("/read"), { name: "Ada" });
    assertEquals([told, logged], [["touch"], []]);
  });

  test("a renewal that has failed is tried again when the clock was set back", async (scene) => {
    const { client, calls, watch } = await setup(scene, { rolling: { after: 1 } });
    scene.clock.advance(60);
    watch.inject("touch", "fail");
    assertEquals(await client.json("/read"), { name: "Ada" });
    scene.clock.advance(-30);
    assertEquals(await client.json("/read"), { name: "Ada" });
    assertEquals(calls(), ["touch", "touch"]);
  });

  test("a renewal that fails before the handler runs, and after it, fails no request", async (scene) => {
    const { client, logged, watch } = await setup(scene, { rolling: true });
    // So little time is left that it might end before the answer.
    scene.clock.advance(LIFE * 0.9);
    watch.inject("touch", "fail");
    watch.inject("update", "fail");
    const response = await client.fetch("/read");
    assertEquals([response.status, await response.json()], [200, { name: "Ada" }]);
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals(logged.length, 1);
    watch.heal();
    scene.clock.advance(1);
    const next = await client.fetch("/read");
    assertMatch(next.headers.getSetCookie()[0]!, /Max-Age=3600/);
    assertEquals(await next.json(), { name: "Ada" });
  });

  test("a change that comes with a renewal fails as any other one does", async (scene) => {
    const { client, watch } = await setup(scene, { rolling: true });
    scene.clock.advance(LIFE / 2);
    for (const operation of WRITES) watch.inject(operation, "fail");
    for (const path of ["/set/a/1", "/renew", "/regenerate"]) {
      const response = await client.fetch(path);
      assertEquals([response.status, response.headers.getSetCookie()], [503, []], path);
      await response.body?.cancel();
    }
    watch.heal();
    assertEquals(await client.json("/read"), { name: "Ada" });
  });

  test("six requests at once renew a session once, and all of them send its cookie", async (scene) => {
    const { calls, six } = await setup(scene, { rolling: true });
    scene.clock.advance(LIFE / 2);
    for (const response of await six()) {
      assertEquals(await response.json(), { name: "Ada" });
      assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=3600/);
    }
    assertEquals(calls(), ["touch"]);
  });

  test("a request renews its session once, also in the second half of its life", async (scene) => {
    const renewed: string[] = [];
    const events = { renewed: ({ sid }: { sid: string }) => void renewed.push(sid) };
    const { client, calls } = await setup(scene, { rolling: true, maxAge: 86_400, events });
    scene.clock.advance(22 * 3600);
    const response = await client.fetch("/read");
    assertEquals(await response.json(), { name: "Ada" });
    assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=86400/);
    assertEquals([calls(), renewed.length], [["touch"], 1]);
  });

  test("requests that take longer than the renewal by another one renew nothing", async (scene) => {
    // A client that holds its session itself is sent the renewed one by each.
    if (scene.stateless) return;
    const { client, calls, six } = await setup(scene, { rolling: true });
    scene.clock.advance(LIFE / 2);
    const slow = six(async () => {
      await client.json("/read");
      assertEquals(calls(), ["touch"]);
    });
    for (const response of await slow) {
      assertEquals(response.headers.getSetCookie(), []);
      await response.text();
    }
    assertEquals(calls(), []);
  });

  test("a change by a request that began before a renewal is kept", async (scene) => {
    if (scene.stateless) return;
    const { client, gate } = await setup(scene, { rolling: true });
    scene.clock.advance(LIFE / 2);
    const slow = client.text("/slow/set");
    await gate.arrived(1);
    await client.json("/read");
    gate.open();
    assertEquals(await slow, "set");
    assertEquals(await client.json("/read"), { name: "Ada", a: 2 });
  });

  test("a rotation that fails alone fails none of six requests, and keeps the token", async (scene) => {
    if (!scene.atomic || scene.stateless) return;
    for (const fault of ["fail", "hang"] as const) {
      const rotate = { every: 600, grace: 30 };
      const { client, watch, calls, six, cookie } = await setup(scene, {
        rotate,
        ...(fault === "hang" && { storeTimeout: scene.shortTimeout }),
      });
      scene.clock.advance(1200);
      const connection = setInterval(() => {}, 1000);
      for (const operation of WRITES) watch.inject(operation, fault);
      for (const response of await six()) {
        assertEquals([response.status, await response.json()], [200, { name: "Ada" }]);
        assertEquals(response.headers.getSetCookie(), []);
      }
      clearInterval(connection);
      assertEquals(calls(), ["replace"]);
      watch.heal();
      scene.clock.advance(1);
      assertEquals(await client.cookie(), cookie);
      assertEquals(await client.json("/read"), { name: "Ada" });
      assert(await client.cookie() !== cookie, "the next request rotates it");
      assertEquals(await client.json("/read"), { name: "Ada" });
    }
  });

  test("six requests at once rotate a token once, and all of them send the next one", async (scene) => {
    if (!scene.atomic || scene.stateless) return;
    const { calls, six, cookie } = await setup(scene, { rotate: { every: 600, grace: 30 } });
    scene.clock.advance(1200);
    const sent = new Set<string>();
    for (const response of await six()) {
      assertEquals(await response.json(), { name: "Ada" });
      sent.add(response.headers.getSetCookie()[0]!.split(";")[0]!);
    }
    assertEquals([sent.size, sent.has(cookie)], [1, false]);
    assertEquals(calls(), ["replace"]);
  });
}

/** A client that is logged in, and the writes since. */
async function setup({ configure, watch }: Scene, options: SessionOptions<Data>) {
  const logged: string[] = [];
  const log = (line: string) => void logged.push(line);
  const gate = new Gate();
  let atOnce: Gate;
  const app = new Hono()
    .use(session<Data>(configure({ maxAge: LIFE, logger: { error: log, warn: log }, ...options })))
    .get("/login", (c) => c.text(c.var.session.name = "Ada"))
    .get("/read", (c) => c.json(c.var.session))
    .get("/set/a/1", (c) => c.json(c.var.session.a = 1))
    .get("/renew", (c) => {
      c.var.session.renew();
      return c.text("renewed");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("regenerated");
    })
    .get("/six", async (c) => {
      await atOnce.pass();
      return c.json(c.var.session);
    })
    .get("/slow/set", async (c) => {
      await gate.pass();
      c.var.session.a = 2;
      return c.text("set");
    });
  const client = new Client(app);
  await client.text("/login");
  const cookie = await client.cookie();
  const calls = () => watch.calls().filter((operation) => WRITES.includes(operation));
  calls();
  /** Six requests with the same cookie, which end together when all have loaded the session. */
  const six = async (meanwhile = async () => {}) => {
    atOnce = new Gate();
    const request = async () => await app.request("/six", { headers: { cookie } });
    const responses = Promise.all(Array.from({ length: 6 }, request));
    await Promise.race([atOnce.arrived(6), responses]);
    await meanwhile();
    atOnce.open();
    return await responses;
  };
  return { client, cookie, logged, watch, calls, gate, six };
}
