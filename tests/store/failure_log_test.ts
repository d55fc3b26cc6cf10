import { session, type SessionStore, SessionStoreError } from "@x/hono-session";
import { CloudflareKvStore } from "@x/hono-session/stores/cloudflare-kv";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { MapStore } from "@x/hono-session/stores/map";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { startDynalite, TestClient } from "../_support/dynamodb.ts";
import { pooled } from "../_support/pooled.ts";
import { DatabaseSync } from "node:sqlite";

/** What an application without events and `app.onError` prints when somebody logs in, and later comes back. */
async function printed(
  store: SessionStore,
  secret = "nothing",
  wayOut = "check that the store exists",
): Promise<string> {
  const lines: string[] = [];
  const { error } = console;
  console.error = (...line: unknown[]) => lines.push(line.join(" "));
  try {
    const app = new Hono()
      .use(session<{ userId?: string }>({ store }))
      .post("/login", async (c) => {
        await c.var.session.regenerate();
        c.var.session.userId = secret;
        return c.text("welcome");
      });
    const response = await app.request("/login", { method: "POST" });
    assertEquals([response.status, response.headers.getSetCookie()], [503, []]);
    await response.body?.cancel();
  } finally {
    console.error = error;
  }
  assertEquals(lines.length, 1, lines.join("\n"));
  assertEquals(lines[0]!.includes(secret), false);
  assertStringIncludes(lines[0]!, wayOut);
  return lines[0]!;
}

for (
  const [what, fail, cause] of [
    [
      "a sentence",
      () => Promise.reject(new Error("Connection is closed.")),
      "the store failed: Connection is closed",
    ],
    [
      "a message that is no text",
      () => Promise.reject(Object.assign(new Error(), { message: 503 })),
      "the store failed: 503",
    ],
    ["a time-out", () => new Promise<never>(() => {}), "the store did not answer in 0.05 seconds"],
  ] as const
) {
  Deno.test(`a failure of ${what} is printed once, and ends with one full stop`, async () => {
    const lines: unknown[] = [];
    const store: SessionStore = new MapStore();
    store.create = fail;
    const app = new Hono()
      .use(session<{ userId?: string }>({
        store,
        storeTimeout: 0.05,
        logger: { error: (...line) => void lines.push(...line), warn() {} },
      }))
      .get("/", (c) => c.text(c.var.session.userId = "42"));
    assertEquals((await app.request("/")).status, 503);
    const wayOut = "Requests that need it fail until it works; check that the store exists, " +
      "is reachable, and grants this program access";
    assertEquals(lines, [`hono-session: Cannot create session: ${cause}. ${wayOut}`]);
  });
}

Deno.test("a missing folder of Deno KV is printed", async () => {
  await using store = new DenoKvStore({ path: "/missing/folder/sessions.kv" });
  const line = await printed(store);
  assertStringIncludes(line, "Cannot create session: the store failed: ");
  assertStringIncludes(line, "unable to open database file");
});

Deno.test("a misspelt binding of Workers is printed", async () => {
  const line = await printed(new CloudflareKvStore({ namespace: (c) => c.env?.SESSON }));
  assertStringIncludes(line, "namespace(c)");
});

pooled()("a wrong table of DynamoDB is printed", async () => {
  await using server = await startDynalite();
  using client = new TestClient(server.port);
  const { document } = client;
  const line = await printed(new DynamoDbStore({ document, tableName: "misspelt" }));
  assertStringIncludes(line, "ResourceNotFoundException");
});

Deno.test("what makes a missing table of SQL is printed, and no other advice", async () => {
  for (const table of ["logins", undefined]) {
    using db = new DatabaseSync(":memory:");
    const options = table ? { table } : {};
    const schema = SqliteStore.schema(options);
    const line = await printed(new SqliteStore({ db, ...options }), "nothing", schema);
    assertStringIncludes(line, `its table "${table ?? "sessions"}" is missing`);
    const call = `SqliteStore.schema(${table ? '{ table: "logins" }' : ""})`;
    assertStringIncludes(line, `run the text that ${call} returns, or use another table:`);
    assert(!line.includes("check that"), line);
    // Who runs it is done.
    db.exec(line.slice(line.indexOf("CREATE TABLE")));
    assertEquals(await new SqliteStore({ db, ...options }).read("key"), undefined);
  }
});

Deno.test("what a parser quotes and the password in a URL are not printed", async () => {
  const secret = "Ada-4711";
  const url = `https://user:${secret}@example.com`;
  const causes = [
    () => JSON.parse(`{"name": ${secret}}`),
    () => JSON.parse(secret),
    () => JSON.parse(`${secret}\n${secret}`),
    () => new URL(`redis://user:${secret}@[::`),
    // As fetch() of Node says it.
    () => Promise.reject(new TypeError(`Request cannot be constructed from a URL: ${url}`)),
  ];
  for (const cause of causes) {
    const store = new FaultyStore(new MapStore());
    store.inject("create", () => Promise.resolve().then(cause));
    const line = await printed(store, secret);
    for (const part of ["Ada", "471"]) assertEquals(line.includes(part), false, line);
  }
});

Deno.test("a cause is printed in one line, not longer than needed, and what else it holds isn't", async () => {
  const store = new FaultyStore(new MapStore());
  const secret = "the data of the session";
  const error = Object.assign(new Error(`connection lost\n${secret}`), { command: [secret] });
  store.inject("create", () => Promise.reject(error));
  assertStringIncludes(await printed(store, secret), "the store failed: connection lost. ");
  store.inject("create", () => Promise.reject(new Error("x".repeat(10_000))));
  assert((await printed(store)).length < 1000);
  store.inject("create", () => Promise.reject(secret));
  assertStringIncludes(await printed(store, secret), "a value of type string was thrown");
  // As Node gives it when no address of a host answers.
  const refused = Object.assign(new AggregateError([]), { code: "ECONNREFUSED" });
  store.inject("create", () => Promise.reject(refused));
  assertStringIncludes(await printed(store), "ECONNREFUSED");
});

Deno.test("failures of another kind are printed at once, and those whose messages differ are one kind", async () => {
  const store = new FaultyStore(new MapStore());
  const lines: string[] = [];
  const logger = { warn() {}, error: (line: string) => void lines.push(line) };
  const app = new Hono().use(session({ store, logger })).get("/", (c) => {
    Object.assign(c.var.session, { a: 1 });
    return c.text("ok");
  });
  let requests = 0;
  const fail = async (error: () => Error) => {
    store.inject("create", () => Promise.reject(error()));
    assertEquals((await app.request("/")).status, 503);
  };
  await fail(() => new Error(`request ${requests++}`));
  await fail(() => new Error(`request ${requests++}`));
  await fail(() => new RangeError(`request ${requests++}`));
  await fail(() => Object.assign(new Error(), { code: "ENOENT" }));
  assertEquals(lines.length, 3);
});

Deno.test("a 500 of the application's own making is printed by Hono", async () => {
  const printed: unknown[] = [];
  const { error } = console;
  console.error = (...line: unknown[]) => printed.push(...line);
  try {
    const app = new Hono().use(session<{ price?: number }>({ store: new MapStore() }))
      .get("/", (c) => c.json(c.var.session.price = NaN));
    assertEquals((await app.request("/")).status, 500);
  } finally {
    console.error = error;
  }
  assertStringIncludes(printed.join("\n"), "session.price is NaN");
});

Deno.test("a store that throws a SessionStoreError of its own is printed and told of", async () => {
  const store = new FaultyStore(new MapStore());
  const failure = new SessionStoreError("Cannot create session: the disk is full");
  store.inject("create", () => Promise.reject(failure));
  assertStringIncludes(await printed(store), "the disk is full");
  const told: Error[] = [];
  const events = { storeError: ({ error }: { error: Error }) => void told.push(error) };
  const app = new Hono().use(session<{ a?: number }>({ store, events })).get("/", (c) => {
    c.var.session.a = 1;
    return c.text("ok");
  });
  assertEquals((await new Client(app).fetch("/")).status, 503);
  assertEquals(told, [failure]);
});

Deno.test("a store that holds a session under every new key is printed", async () => {
  const store = new FaultyStore(new MapStore());
  store.inject("create", "refuse");
  assertStringIncludes(await printed(store), "new keys");
});
