import { endSession, session, startSession } from "@x/hono-session";
import { assertEquals } from "@std/assert";
import { type Context, Hono } from "hono";
import { Client } from "../_support/client.ts";
import type { Data } from "./_app.ts";
import type { Scene, SceneTest } from "./_suite.ts";

const start = (c: Context, name: string) => startSession<Data>(c, { name });

/** The names of the errors that some work ends with, or `"done"`. */
async function outcomes(work: Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((each) => each.status === "fulfilled" ? "done" : each.reason.name);
}

function makeStarts({ configure }: Scene, options: { allowOverwrite?: boolean } = {}) {
  const told: string[][] = [];
  const pending: Promise<unknown>[] = [];
  const app = new Hono().use(session<Data>(configure(options)))
    .get("/read", (c) => c.json(c.var.session))
    .get("/set/:name", (c) => {
      c.var.session.name = c.req.param("name");
      return c.text("set");
    })
    .get("/both", async (c) => {
      told.push(await outcomes([start(c, "first"), start(c, "second")]));
      return c.json(c.var.session);
    })
    .get("/three", async (c) => {
      told.push(await outcomes([start(c, "first"), start(c, "second"), start(c, "third")]));
      c.var.session.count = 3;
      return c.json(c.var.session);
    })
    .get("/bad", async (c) => {
      told.push(
        await outcomes([
          startSession(c, { name: NaN }),
          start(c, "second"),
        ]),
      );
      return c.json(c.var.session);
    })
    .get("/unawaited", (c) => {
      pending.push(start(c, "started"));
      return c.text("begun");
    })
    .get("/assigned", async (c) => {
      const started = start(c, "started");
      c.set("session", { name: "assigned" } as typeof c.var.session);
      await started;
      return c.json(c.var.session);
    })
    .get("/ended", async (c) => {
      const started = start(c, "started");
      await endSession(c);
      await started;
      return c.json(c.var.session);
    })
    .get("/saved", async (c) => {
      const started = start(c, "started");
      c.var.session.name = "saved";
      await c.var.session.save().catch(() => {});
      await started;
      return c.json(c.var.session);
    });
  return { app, told, pending };
}

/** What of sessions that a request begins at the same time is left. */
export function starts(test: SceneTest): void {
  const isStored = ({ stateless }: Scene) => !stateless;

  for (const isNew of [true, false]) {
    const visitor = isNew ? "nobody" : "somebody";

    test(`startSession() twice at once of ${visitor} is one session, the last one`, async (scene) => {
      for (const [path, name] of [["/both", "second"], ["/three", "third"]]) {
        const { app, told } = makeStarts(scene);
        const client = new Client(app);
        if (!isNew) await client.text("/set/before");
        const response = await client.fetch(path!);
        const data = path === "/three" ? { name, count: 3 } : { name };
        assertEquals(await response.json(), data);
        assertEquals(response.headers.getSetCookie().length, 1);
        assertEquals(told[0]!.every((outcome) => outcome === "done"), true, told.join());
        assertEquals(await client.json("/read"), data);
        if (isStored(scene)) assertEquals((await scene.records()).length, 1);
        await client.text("/set/after");
        await startAnew(client, scene);
      }
    });

    test(`startSession() of ${visitor} beside another change is one session`, async (scene) => {
      for (const path of ["/assigned", "/ended", "/saved"]) {
        const client = new Client(makeStarts(scene).app);
        if (!isNew) await client.text("/set/before");
        const response = await client.fetch(path);
        assertEquals(await response.json(), { name: "started" }, path);
        assertEquals(response.headers.getSetCookie().length, 1, path);
        assertEquals(await client.json("/read"), { name: "started" }, path);
        if (isStored(scene)) assertEquals((await scene.records()).length, 1, path);
        await startAnew(client, scene);
      }
    });
  }

  test("startSession() that nobody waits for is there when the response leaves", async (scene) => {
    const { app, pending } = makeStarts(scene);
    const client = new Client(app);
    for (let times = 0; times < 2; times++) {
      const response = await client.fetch("/unawaited");
      assertEquals(await response.text(), "begun");
      assertEquals(await outcomes(pending), pending.map(() => "done"));
      assertEquals(response.headers.getSetCookie().length, 1);
      assertEquals(await client.json("/read"), { name: "started" });
      if (isStored(scene)) assertEquals((await scene.records()).length, 1);
    }
  });

  test("startSession() after one that failed begins a session, and allowOverwrite counts at once", async (scene) => {
    const { app, told } = makeStarts(scene);
    const client = new Client(app);
    assertEquals(await client.json("/bad"), { name: "second" });
    assertEquals(told, [["SessionSerializationError", "done"]]);
    assertEquals(await client.json("/read"), { name: "second" });
    if (isStored(scene)) assertEquals((await scene.records()).length, 1);
    await startAnew(client, scene);

    const strict = makeStarts(scene, { allowOverwrite: false });
    const visitor = new Client(strict.app);
    assertEquals(await visitor.json("/both"), { name: "first" });
    assertEquals(strict.told, [["done", "SessionExistsError"]]);
    assertEquals(await visitor.json("/read"), { name: "first" });
    if (isStored(scene)) assertEquals((await scene.records()).length, 1);
  });
}

/** Leaves no record behind for the next round. */
async function startAnew(client: Client, scene: Scene): Promise<void> {
  await new Client(scene.makeApp()).text("/logout", {
    headers: { cookie: await client.cookie() },
  });
}
