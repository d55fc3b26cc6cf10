import { session, type SessionStore } from "@x/hono-session";
import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { MapStore } from "@x/hono-session/stores/map";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { startDynalite, TABLES, TestClient } from "../_support/dynamodb.ts";

/** A store that notes every number that it is given, by its name. */
function noteNumbers(store: SessionStore): { noted: SessionStore; numbers: Map<string, number[]> } {
  const numbers = new Map<string, number[]>();
  const note = (value: unknown): void => {
    for (const [name, each] of Object.entries(value ?? {})) {
      if (typeof each === "number") numbers.set(name, [...numbers.get(name) ?? [], each]);
      if (typeof each === "object") note(each);
    }
  };
  const noted = new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        // The last one is the Hono context.
        if (/^(create|update|replace|touch)$/.test(String(name))) args.slice(0, 3).forEach(note);
        return Reflect.apply(member, target, args);
      };
    },
  });
  return { noted, numbers };
}

Deno.test("every number that a store is given is whole, whatever the options and the clock say", async () => {
  const time = new FakeClock();
  const clock = () => time.now() + 0.25;
  const { noted, numbers } = noteNumbers(new MapStore({ clock }));
  const app = new Hono()
    .use(session<{ visits?: number }>({
      store: noted,
      clock,
      maxAge: 1000 / 3,
      absoluteMaxAge: 5000 / 3,
      rolling: { after: 10 / 3 },
      rotate: { every: 50 / 3, grace: 1 / 3, remember: 1 / 3 },
    }))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = "user:42";
      return c.text("logged in");
    })
    .get("/write", (c) => {
      c.var.session.visits = (c.var.session.visits ?? 0) + 1;
      return c.text("written");
    })
    .get("/renew", (c) => {
      c.var.session.renew(2000 / 3);
      return c.text("renewed");
    })
    .get("/read", (c) => c.json(c.var.session));
  const clients = Array.from({ length: 3 }, () => new Client(app));
  await Promise.all(clients.map((client) => client.text("/login")));
  for (const path of ["/write", "/read", "/renew", "/read", "/write", "/read"]) {
    time.advance(20);
    for (const client of clients) await client.text(path);
    // A condition, as its answer may not carry the cookie.
    await clients[0]!.text("/read", { headers: { "if-none-match": "*" } });
  }
  const names = [
    ...["createdAt", "expiresAt", "format", "graceUntil", "lastSeenAt", "maxAge", "renewedAt"],
    ...["subjectAt", "tokenAt", "version"],
  ];
  assertEquals([...numbers.keys()].sort(), names);
  for (const [name, values] of numbers) {
    assertEquals(values.filter((value) => !Number.isSafeInteger(value)), [], name);
  }
});

Deno.test("DynamoDbStore serves parallel logins where the client reads numbers as BigInt", async () => {
  await using server = await startDynalite();
  using client = new TestClient(server.port);
  const unmarshallOptions = { wrapNumbers: (text: string) => BigInt(text) };
  const document = DynamoDBDocument.from(client.client, { unmarshallOptions });
  const store = new DynamoDbStore({ document, tableName: TABLES.sorted.name, sortKey: "sk" });
  const app = new Hono()
    .use(session<{ name?: string }>({ store }))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = "user:42";
      c.var.session.name = "Ada";
      return c.text("logged in");
    })
    .get("/read", (c) => c.json(c.var.session));
  const clients = Array.from({ length: 40 }, () => new Client(app));
  const statuses = await Promise.all(
    clients.map(async (each) => {
      const response = await each.fetch("/login");
      await response.text();
      return response.status;
    }),
  );
  assert(statuses.every((status) => status === 200), statuses.join());
  for (const each of clients) assertEquals(await each.json("/read"), { name: "Ada" });
});
