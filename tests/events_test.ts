import { session, type SessionEvents } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { JsonObject } from "../src/record/json_object.ts";
import { Client } from "./_support/client.ts";

interface Data {
  name?: string;
  count?: number;
}

function visit(events: SessionEvents) {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), events }))
    .get("/set/:name", async (c) => {
      c.var.session.name = c.req.param("name");
      await c.var.session.save();
      await c.var.session.update("count", (count = 0) => count + 1);
      return c.text("done");
    });
  return new Client(app);
}

Deno.test("the names of written keys are looked for only where somebody listens", async () => {
  const { keysUnlike } = JsonObject.prototype;
  let looked = 0;
  JsonObject.prototype.keysUnlike = function (other) {
    looked++;
    return keysUnlike.call(this, other);
  };
  try {
    for (const [events, times] of [[{}, 0], [{ updated() {} }, 4]] as const) {
      looked = 0;
      const client = visit(events);
      for (const name of ["Ada", "Grace"]) await client.text(`/set/${name}`);
      assertEquals(looked, times);
    }
  } finally {
    JsonObject.prototype.keysUnlike = keysUnlike;
  }
});

Deno.test("the names of written keys are those of data alone, whatever they are", async () => {
  const told: (readonly string[])[] = [];
  const app = new Hono().use(
    session<Record<string, unknown>>({
      store: new MapStore(),
      initial: { theme: "light" },
      events: { updated: ({ keys }) => told.push(keys) },
    }),
  ).get("/", (c) => {
    const { session } = c.var;
    for (const key of ["__proto__", "constructor", ""]) session[key] = 1;
    session.flash("notice", "flashed");
    session.subject = "user:42";
    return c.text("done");
  });
  const client = new Client(app);
  await client.text("/");
  assertEquals(told.map((keys) => keys.toSorted()), [["", "__proto__", "constructor", "theme"]]);
});
