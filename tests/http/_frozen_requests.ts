import { session } from "@x/hono-session";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";
import type { Data } from "./_app.ts";
import type { Scene, SceneTest } from "./_suite.ts";

/** How long a process is frozen within a request, as on AWS Lambda, in seconds. */
const FROZEN = 600;

/** What comes of a request that goes on after minutes, and of a clock that jumps. */
export function frozenRequests(test: SceneTest): void {
  test("a request that is frozen for minutes overwrites no other change", async (scene) => {
    const { client, gate } = await setup(scene);
    const frozen = client.text("/slow/set");
    await gate.arrived();
    await client.text("/set/b");
    scene.clock.advance(FROZEN);
    gate.open();
    assertEquals(await frozen, "set");
    // A client that holds its session itself keeps the last cookie that it is sent.
    const merged = scene.stateless ? {} : { b: 1 };
    assertEquals(await client.json("/read"), { name: "Ada", a: 1, ...merged });
  });

  test("a request that is frozen for minutes restores no session that was ended", async (scene) => {
    if (!scene.revocable) return;
    const { client, gate } = await setup(scene);
    const thief = await client.thief();
    const frozen = client.fetch("/slow/set");
    await gate.arrived();
    await client.text("/logout");
    scene.clock.advance(FROZEN);
    gate.open();
    const response = await frozen;
    assertEquals(response.headers.getSetCookie(), []);
    await response.text();
    assertEquals([await client.json("/read"), await thief.json("/read")], [{}, {}]);
  });

  test("a request that is frozen for longer than its session lives changes nothing", async (scene) => {
    const { client, gate } = await setup(scene);
    const frozen = client.fetch("/slow/set");
    await gate.arrived();
    scene.clock.advance(LIFE);
    gate.open();
    await (await frozen).text();
    assertEquals(await client.json("/read"), {});
  });

  test("a clock that is set back by an hour ends no session and loses no change", async (scene) => {
    const { client } = await setup(scene);
    scene.clock.advance(-3600);
    assertEquals(await client.json("/read"), { name: "Ada" });
    await client.text("/set/b");
    assertEquals(await client.json("/read"), { name: "Ada", b: 1 });
    scene.clock.advance(3600);
    assertEquals(await client.json("/read"), { name: "Ada", b: 1 });
  });

  test("a clock that jumps ahead ends what is over by then, and begins new sessions", async (scene) => {
    const { client } = await setup(scene);
    scene.clock.advance(LIFE);
    assertEquals(await client.json("/read"), {});
    await client.text("/set/b");
    assertEquals(await client.json("/read"), { b: 1 });
    scene.clock.advance(-LIFE);
    assertEquals(await client.json("/read"), { b: 1 });
  });
}

/** How long sessions live, in seconds. */
const LIFE = 7200;

async function setup({ configure }: Scene) {
  const gate = new Gate();
  const app = new Hono()
    .use(session<Data>(configure({ maxAge: LIFE })))
    .get("/login", (c) => c.text(c.var.session.name = "Ada"))
    .get("/read", (c) => c.json(c.var.session))
    .get("/set/b", (c) => c.json(c.var.session.b = 1))
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .get("/slow/set", async (c) => {
      await gate.pass();
      c.var.session.a = 1;
      return c.text("set");
    });
  const client = new Client(app);
  await client.text("/login");
  return { client, gate };
}
