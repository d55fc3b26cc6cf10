import { type KeyValueStore, session, type SessionStore } from "@x/hono-session";
import { storeConformance } from "@x/hono-session/testing";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { KeyValueAdapter } from "../../src/store/key_value_adapter.ts";
import { Client } from "../_support/client.ts";

storeConformance({
  name: "bare Map",
  capabilities: { atomic: true, index: false, consistency: "strong" },
  test: Deno.test,
  open: (clock) => ({ store: new KeyValueAdapter(new Map(), clock) }),
});

storeConformance({
  name: "asynchronous { get, set, delete }",
  capabilities: { atomic: false, index: false, consistency: "strong" },
  canFail: true,
  canRecover: true,
  test: Deno.test,
  open(clock) {
    // Text, as a file or a table would hold it.
    const rows = new Map<string, string>();
    let broken = false;
    const answer = <Value>(run: () => Value): Promise<Value> =>
      broken ? Promise.reject(new Error("connection lost")) : Promise.resolve().then(run);
    const store: SessionStore = new KeyValueAdapter({
      get: (key) => answer(() => JSON.parse(rows.get(key) ?? "null")),
      set: (key, record) => answer(() => rows.set(key, JSON.stringify(record))),
      delete: (key) => answer(() => rows.delete(key)),
    }, clock);
    return { store, fail: () => void (broken = true), recover: () => void (broken = false) };
  },
});

/** What two visitors see who log in one after the other, with the lines of the log. */
async function logIn(store: KeyValueStore) {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const app = new Hono()
    .use(session<{ name?: string }>({ store, logger: { error: log, warn: log } }))
    .get("/login/:name", (c) => {
      c.var.session.name = c.req.param("name");
      return c.text("welcome");
    })
    .get("/", (c) => c.text(c.var.session.name ?? "nobody"));
  const seen: unknown[] = [];
  for (const name of ["Ada", "Bob"]) {
    const client = new Client(app);
    const login = await client.fetch(`/login/${name}`);
    seen.push(login.status, login.headers.getSetCookie().length, await client.text("/"));
  }
  return { seen, lines };
}

const later = <Value>(value: Value) => Promise.resolve(value);

/** Two visitors who are refused, as nothing of them could be kept. */
const REFUSED = [503, 0, "nobody", 503, 0, "nobody"];

Deno.test("{ get, set, delete } with a key that is an object is found out at the first write", async () => {
  const items = new Map<string, unknown>();
  // As the adapter of @brightcove/hono-sessions has it, without what it can be told by when it is given.
  const store = {
    get: ({ pk }: { pk: string }) => later(items.get(pk)),
    set: ({ pk }: { pk: string }, item: unknown) => later(items.set(pk, item)),
    delete: ({ pk }: { pk: string }) => later(items.delete(pk)),
  };
  const { seen, lines } = await logIn(store as never);
  assertEquals(seen, REFUSED);
  assertEquals(items.size, 0);
  const line =
    "Cannot store session: get() of the store returns a record for a key that was never set; keys are strings";
  assertEquals(lines.map((each) => each.includes(line)), [true], "once a minute");
});

Deno.test("{ get, set, delete } that gives back something else is found out at the first write", async () => {
  const rows = new Map<string, string>();
  const { seen, lines } = await logIn({
    get: (key) => later(rows.get(key)),
    set: (key, record) => later(rows.set(key, JSON.stringify(record))),
    delete: (key) => later(rows.delete(key)),
  });
  assertEquals(seen, REFUSED);
  assertEquals(rows.size, 0);
  const line =
    "Cannot store session: get() of the store returns a value of type string that is not the record that set() was given";
  assertEquals(lines.map((each) => each.includes(line)), [true], "once a minute");
});

Deno.test("{ get, set, delete } that gives back nothing is told of once", async () => {
  const { seen, lines } = await logIn({ get() {}, set() {}, delete() {} });
  assertEquals(seen, [200, 1, "nobody", 200, 1, "nobody"]);
  assertEquals(lines, [
    "Cannot read session: get() of the store returns nothing for the key that was just set",
  ]);
});

Deno.test("{ get, set, delete } that works is looked at once", async () => {
  for (const answer of [later, <Value>(value: Value) => value]) {
    const entries = new Map<string, unknown>();
    let gets = 0;
    const store: KeyValueStore = {
      get: (key) => answer((gets++, entries.get(key))),
      set: (key, record) => answer(entries.set(key, record)),
      delete: (key) => answer(entries.delete(key)),
    };
    const { seen, lines } = await logIn(store);
    assertEquals([seen, lines], [[200, 1, "Ada", 200, 1, "Bob"], []]);
    assertEquals(
      gets,
      4 + 2,
      "a look before each write, a read for each page, and two looks at the first write",
    );
  }
});
