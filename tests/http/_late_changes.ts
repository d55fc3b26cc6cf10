import { getSession, type Session, session } from "@x/hono-session";
import { assertEquals, assertMatch } from "@std/assert";
import { type Context, Hono } from "hono";
import { streamSSE, streamText } from "hono/streaming";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";
import type { Data } from "./_app.ts";
import type { Scene, SceneTest } from "./_suite.ts";

type Late = (session: Session<Data>) => unknown;

/** What can be done to a session so that nothing throws. */
const SILENT: Record<string, Late> = {
  "a key": (session) => session.a = 2,
  "a new key": (session) => session.b = 2,
  "a deleted key": (session) => delete session.a,
  "a nested value": (session) => session.cart!.push("pear"),
  "a value that can't be stored": (session) => session.a = NaN,
};

/** What of a session is lost with the response. */
const REFUSED: Record<string, Late> = {
  "save()": (session) => session.save(),
  "update()": (session) => session.update("a", () => 3),
  "flash()": (session) => session.flash("notice", "late"),
  "reflash()": (session) => session.reflash(),
  "subject": (session) => session.subject = "ada",
  "meta": (session) => session.meta = { device: "late" },
};

function setup({ configure }: Scene, late: Late = () => {}) {
  const warned: string[] = [];
  const logger = { error() {}, warn: (message: string) => warned.push(message) };
  const gate = new Gate();
  const tasks: Promise<unknown>[] = [];
  const background = (c: Context, run: () => Promise<unknown>) => {
    const task = run();
    tasks.push(task);
    if (c.req.path === "/wait-until") c.executionCtx.waitUntil(task);
  };
  const app = new Hono()
    .use("/outer/*", async (c, next) => {
      await next();
      await late(c.get("session" as never) as Session<Data>);
    })
    .use(session<Data>(configure({ logger })))
    .get("/set", (c) => {
      Object.assign(c.var.session, { a: 1, cart: ["apple"] });
      return c.text("set");
    })
    .get("/read", (c) => c.json({ ...c.var.session.toJSON(), subject: c.var.session.subject }))
    .get("/outer/read", (c) => c.text("read"))
    .get("/outer/fail", (c) => {
      c.var.session.a = 5;
      return c.text("failed", 500);
    })
    .get("/stream", (c) => {
      const { session } = c.var;
      return streamText(c, async (stream) => {
        await stream.write("the response has left");
        await late(session);
      });
    })
    .get("/events", (c) => {
      const { session } = c.var;
      return streamSSE(c, async (stream) => {
        await stream.writeSSE({ data: "the response has left" });
        await late(session);
      });
    })
    .on("GET", ["/wait-until", "/task"], (c) => {
      const { session } = c.var;
      background(c, async () => {
        await gate.pass();
        await late(session);
      });
      return c.text("begun");
    })
    .get("/raw", (c) => {
      const { session } = c.var;
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await gate.pass();
            await late(session);
            controller.close();
          },
        }, { highWaterMark: 0 }),
      );
    })
    .get("/flash", (c) => {
      c.var.session.flash("notice", "saved");
      return c.text("flashed");
    })
    .get("/renew", (c) => {
      c.var.session.renew();
      return c.text("renewed");
    })
    .get("/get", async (c) => c.json(await getSession(c)));
  const context = { waitUntil() {}, passThroughOnException() {}, props: {} };
  const fetch = (request: Request) => app.fetch(request, {}, context);
  return { app, client: new Client({ fetch } as Hono), warned, gate, tasks };
}

/** What is warned of a change that came too late. */
export function lateChanges(test: SceneTest): void {
  for (const [what, late] of Object.entries(SILENT)) {
    test(`${what} that a stream changes and nobody saves is warned of once, and lost`, async (scene) => {
      for (const path of ["/stream", "/events"]) {
        const { client, warned } = setup(scene, late);
        await client.text("/set");
        await client.text(path);
        assertEquals(warned.length, 1, path);
        assertMatch(warned[0]!, /^Cannot keep change of session: the response had been sent, .*; /);
        for (let times = 0; times < 3; times++) {
          assertEquals(await client.json("/read"), { a: 1, cart: ["apple"] });
          scene.clock.advance(20);
        }
        assertEquals(warned.length, 1, "once");
      }
    });
  }

  test("a change by an outer middleware that nobody saves is warned of once", async (scene) => {
    for (const late of [SILENT["a key"]!, SILENT["a nested value"]!]) {
      const { client, warned } = setup(scene, late);
      await client.text("/set");
      await client.text("/outer/read");
      assertEquals(warned.length, 1);
      for (let times = 0; times < 3; times++) await client.json("/read");
      assertEquals(warned.length, 1);
    }
  });

  test("a change of nobody's session by an outer middleware is warned of", async (scene) => {
    const { client, warned } = setup(scene, SILENT["a key"]);
    const response = await client.fetch("/outer/read");
    assertEquals([await response.text(), response.headers.getSetCookie()], ["read", []]);
    assertEquals(warned.length, 1);
  });

  test("a change in the background that nobody saves is warned of with later requests", async (scene) => {
    for (const path of ["/task", "/raw"]) {
      const { client, warned, gate, tasks } = setup(scene, SILENT["a nested value"]);
      await client.text("/set");
      const response = await client.fetch(path);
      gate.open();
      await response.text();
      await Promise.all(tasks);
      await client.json("/read");
      // It can still be saved where the cookie doesn't hold it.
      assertEquals(warned.length, scene.stateless ? 1 : 0, path);
      scene.clock.advance(10);
      for (let times = 0; times < 3; times++) await client.json("/read");
      assertEquals(warned.length, 1, path);
    }
  });

  test("a change in waitUntil that nobody saves is warned of once, when the task is over", async (scene) => {
    for (const late of Object.values(SILENT)) {
      const { client, warned, gate, tasks } = setup(scene, late);
      await client.text("/set");
      assertEquals(await client.text("/wait-until"), "begun");
      assertEquals(warned, []);
      gate.open();
      await Promise.all(tasks);
      assertEquals(warned.length, 1);
      for (let times = 0; times < 3; times++) {
        assertEquals(await client.json("/read"), { a: 1, cart: ["apple"] });
        scene.clock.advance(20);
      }
      assertEquals(warned.length, 1, "once");
    }
  });

  test("what can't be stored any more is refused", async (scene) => {
    for (const [what, change] of Object.entries(REFUSED)) {
      for (const isNew of [false, true]) {
        let outcome = "done";
        const { client, warned } = setup(scene, async (session) => {
          try {
            await change(session);
          } catch (error) {
            outcome = (error as Error).name;
          }
        });
        if (!isNew) await client.text("/set");
        await client.text("/stream");
        const refused = scene.stateless || isNew;
        assertEquals(outcome, refused ? "SessionCommittedError" : "done", `${what}, ${isNew}`);
        if (refused) assertEquals(warned, [], what);
        assertEquals(
          await client.json("/read"),
          isNew ? {} : { a: outcome === "done" && what === "update()" ? 3 : 1, cart: ["apple"] },
          what,
        );
      }
    }
  });

  test("a late subject, meta or flash that nobody saves is warned of", async (scene) => {
    if (scene.stateless) return;
    for (const what of ["subject", "meta", "flash()"]) {
      const { client, warned } = setup(scene, REFUSED[what]);
      await client.text("/set");
      await client.text("/stream");
      assertEquals(warned.length, 1, what);
    }
  });

  test("a late change that is saved is warned of nowhere", async (scene) => {
    if (scene.stateless) return;
    const { client, warned, gate, tasks } = setup(scene, async (session) => {
      session.a = 2;
      session.cart!.push("pear");
      await session.save();
    });
    await client.text("/set");
    for (const path of ["/stream", "/outer/read", "/raw", "/wait-until"]) {
      const response = await client.fetch(path);
      gate.open();
      await response.text();
      await Promise.all(tasks);
      scene.clock.advance(10);
      await client.text("/read");
    }
    scene.clock.advance(10);
    const saved = ["apple", "pear", "pear", "pear", "pear"];
    assertEquals(await client.json("/read"), { a: 2, cart: saved });
    assertEquals(warned, []);
  });

  test("nothing is warned of where nothing was changed, or what was changed was dropped", async (scene) => {
    const { client, warned } = setup(scene);
    const paths = ["/read", "/stream", "/renew", "/outer/fail", "/flash", "/read", "/stream"];
    for (const path of ["/renew", "/outer/fail", "/set", ...paths, "/get"]) {
      await client.text(path);
      scene.clock.advance(10);
    }
    await client.text("/read");
    assertEquals(warned, []);
  });
}
