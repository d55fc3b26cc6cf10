import { DurableObjectStore } from "@x/hono-session/stores/durable-objects";
import { storeConformance } from "@x/hono-session/testing";
import { createSessions } from "@x/hono-session";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { readDocument } from "../_support/documents.ts";
import type { Units } from "../_support/durable_objects_app.ts";
import { openObjects } from "../_support/durable_objects.ts";
import { pooled } from "../_support/pooled.ts";

const objects = await openObjects();
if (objects) {
  Deno.test.afterAll(async () => await objects[Symbol.asyncDispose]());
  const { capabilities } = new DurableObjectStore({ namespace: objects.namespace });
  for (const shards of [1, 32]) {
    storeConformance({
      name: `DurableObjectStore with ${shards} shards`,
      capabilities,
      canFail: true,
      canRecover: true,
      test: pooled(),
      open(clock) {
        let fails = false;
        const namespace = objects.ordered(() => fails ? "throw" : undefined);
        const store = new DurableObjectStore({
          namespace,
          shards,
          prefix: crypto.randomUUID(),
          clock,
        });
        return { store, fail: () => void (fails = true), recover: () => void (fails = false) };
      },
    });
  }

  pooled()("what a request costs on Durable Objects is what the documents say", async () => {
    const prefix = crypto.randomUUID();
    const { namespace } = objects;
    const store = new DurableObjectStore({ namespace, prefix, shards: 1 });
    const sessions = createSessions<{ text?: string; last?: string }>({
      store,
      rolling: { after: 0.001 },
      maxAge: 3600,
    });
    const app = new Hono().get("/static", (c) => c.text(""))
      .use(sessions.middleware())
      .get("/read", (c) => c.json(c.var.session))
      .get("/write/:text", (c) => {
        c.var.session.text = "x".repeat(200);
        c.var.session.last = c.req.param("text");
        return c.text("");
      })
      .get("/regenerate", async (c) => {
        await c.var.session.regenerate();
        return c.text("");
      })
      .get("/login", async (c) => {
        await c.var.session.regenerate();
        c.var.session.subject = "user:42";
        return c.text("");
      })
      .get("/logout", (c) => {
        c.var.session.destroy();
        return c.text("");
      });
    const fixed = new Hono().use(createSessions({ store }).middleware())
      .get("/read", (c) => c.json(c.get("session")));
    const client = new Client(app);
    const units = async (run: () => Promise<unknown>) => {
      await objects.order(`0/1:${prefix}`, "units");
      await run();
      const { requests, read, written } = await objects.order<Units>(`0/1:${prefix}`, "units");
      return `${requests}, ${read}, ${written}`;
    };
    const visit = (path: string) => async () => await client.text(path);
    await client.text("/write/0");
    await client.text("/logout");
    const other = new Client(app);
    const visitAnonymous = (path: string) => async () => await other.text(path);
    await other.text("/write/1");
    const measured = {
      "without a session": await units(visit("/static")),
      "first write": await units(visit("/write/1")),
      "read": await units(async () => {
        const headers = { cookie: await client.cookie() };
        await (await fixed.request("/read", { headers })).text();
      }),
      "write": await units(visit("/write/2")),
      "read, renewed by `rolling`": await units(visit("/read")),
      "`regenerate()`": await units(visit("/regenerate")),
      "the same, and a `subject`": await units(visit("/login")),
      "logout": await units(visitAnonymous("/logout")),
    };
    const rows = (await readDocument("stores/README.md")).split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) => line.split("|").map((cell) => cell.trim()));
    const header = rows.find((cells) => cells.some((cell) => cell.startsWith("Durable Objects, ")));
    const at = header!.findIndex((cell) => cell.startsWith("Durable Objects, "));
    const documented = Object.fromEntries(
      Object.keys(measured).map((name) => [name, rows.find((cells) => cells[1] === name)?.[at]]),
    );
    assertEquals(documented, { ...measured, "without a session": "none" });
  });

  pooled()(
    "waiting for the end of a session costs a WebSocket and a read, and ending it nothing more",
    async () => {
      const prefix = crypto.randomUUID();
      const store = new DurableObjectStore({ namespace: objects.namespace, prefix, shards: 1 });
      const sessions = createSessions({ store, live: { every: 50 } });
      const units = () => objects.order<Units>(`0/1:${prefix}`, "units");
      const { cookie, sid } = await sessions.create({}, { subject: "user:42" });
      const session = await sessions.open(
        new Request("https://app.test/", { headers: { cookie } }),
      );
      await units();
      const isOver = new Promise((resolve) => session!.ended.addEventListener("abort", resolve));
      let requests = 0;
      while (requests < 2) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        requests += (await units()).requests;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
      assertEquals(requests + (await units()).requests, 2);
      await new DurableObjectStore({ namespace: objects.namespace, prefix, shards: 1 })
        .deleteAll("user:42", {});
      await isOver;
      assertEquals([session!.ended.reason, sid.length], ["revoked", 22]);
    },
  );
}
