import { createSessions, type SessionRecord } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";

interface Data {
  name?: string;
}

const SECRET_WORD = "canary-in-the-record";

/** A store whose records are spoilt when they are read or listed, for as long as there is something to spoil them. */
class SpoilingStore extends MapStore {
  spoil: ((record: SessionRecord) => unknown) | undefined;

  override read(key: string): SessionRecord | undefined {
    const record = super.read(key);
    return record && this.spoil ? this.spoil(record) as SessionRecord : record;
  }

  override async *list(subject: string): ReturnType<MapStore["list"]> {
    for await (const { key, record } of super.list(subject)) {
      yield { key, record: this.spoil?.(record as SessionRecord) as SessionRecord ?? record };
    }
  }
}

function setup() {
  const store = new SpoilingStore();
  const events: string[] = [];
  const said: unknown[] = [];
  const log = (...args: unknown[]) => said.push(args);
  const sessions = createSessions<Data>({
    store,
    logger: { error: log, warn: log },
    events: {
      loaded: () => events.push("loaded"),
      rejected: ({ reason }) => events.push(reason),
      created: () => events.push("created"),
    },
  });
  const app = new Hono()
    .use(sessions.middleware())
    .get("/login/:name", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = c.req.param("name");
      c.var.session.subject = "user:42";
      c.var.session.meta = { device: SECRET_WORD };
      c.var.session.flash("notice" as "name", SECRET_WORD);
      return c.text("welcome");
    })
    .get("/read", (c) => c.json([c.var.session.name ?? null, c.var.session.isNew]))
    .get("/sid", (c) => c.text(c.var.session.sid))
    .get("/meta", (c) => c.json(c.var.session.meta ?? null))
    .get("/list", async (c) => {
      const list = await Array.fromAsync(sessions.list("user:42", { c }));
      return c.json(list.map(({ meta }) => meta ?? null));
    })
    .onError((error, c) => {
      said.push(error);
      return c.text("failed", 500);
    });
  return { app, client: new Client(app), events, said, sessions, store };
}

/** Values of the wrong type, or out of range. */
const WRONG: unknown[] = [null, true, {}, [], "", "x", -1, 0.5, NaN, Infinity, 8.65e15, 2 ** 53];

/** For each member, those of them that say nothing wrong. */
const FINE: Record<string, unknown[]> = {
  sid: ["", "x"],
  version: [-1, 8.65e15],
  createdAt: [-1, 0.5],
  lastSeenAt: [-1, 0.5],
  renewedAt: [-1, 0.5],
  expiresAt: [-1, 0.5],
  cookieName: ["", "x"],
  data: [],
  flash: [],
  format: [],
  cookie: ["", "x"],
  meta: ["", "x"],
  scope: ["", "x"],
  subject: ["", "x"],
  predecessor: ["", "x"],
  trace: [],
  successor: ["", "x"],
  subjectAt: [-1, 0.5],
  generation: [-1, 8.65e15],
  tokenAt: [-1, 0.5],
  graceUntil: [-1, 0.5],
  endsAt: [-1, 0.5],
  maxAge: [-1, 0.5, 8.65e15, 2 ** 53],
  browser: [true],
};

/** Those that every record has. */
const NEEDED = "sid version createdAt lastSeenAt renewedAt expiresAt cookieName data format".split(
  " ",
);

/** What becomes of a record whose member is nonsense: it identifies no session. */
const UNREADABLE: Record<string, (record: SessionRecord) => unknown> = {
  "a text": (record) => JSON.stringify(record),
  "a number": () => 1,
  "true": () => true,
  "null": () => null,
  "nothing in it": () => ({}),
  "a list": (record) => [record],
  "bytes": () => new TextEncoder().encode("x"),
  "a Map": (record) => new Map(Object.entries(record)),
  "the next version": (record) => ({ ...record, format: 2 }),
  "a version before": (record) => ({ ...record, format: 0 }),
  "a version that is a text": (record) => ({ ...record, format: "1" }),
};
for (const [member, fine] of Object.entries(FINE)) {
  if (NEEDED.includes(member)) {
    UNREADABLE[`no ${member}`] = (record) => {
      const { [member as "data"]: _, ...rest } = record;
      return rest;
    };
  }
  for (const value of WRONG.filter((each) => !fine.includes(each))) {
    UNREADABLE[`${member} is ${typeof value} ${String(value)}`] = (record) => ({
      ...record,
      [member]: value,
    });
  }
}
for (const member of ["data", "flash"] as const) {
  for (
    const text of ["{", `{"name":"${SECRET_WORD}"`, "null", "[]", "1", '"x"', "{}x", "undefined"]
  ) {
    UNREADABLE[`${member} is ${text}`] = (record) => ({ ...record, [member]: text });
  }
}

Deno.test("records: what is torn, foreign or of another version is nobody's, is told once, and its user can log in again", async () => {
  for (const [name, spoil] of Object.entries(UNREADABLE)) {
    const { client, events, said, store } = setup();
    await client.text("/login/Ada");
    events.length = 0;
    store.spoil = spoil;
    const response = await client.fetch("/read");
    assertEquals([response.status, await response.text()], [200, "[null,true]"], name);
    assertEquals(response.headers.getSetCookie(), [], name);
    assertEquals(events.length, 1, `${name}: ${events}`);
    assert(["invalid", "unknown", "expired"].includes(events[0]!), `${name}: ${events}`);
    assertEquals(await client.text("/login/Eve"), "welcome", name);
    store.spoil = undefined;
    assertEquals(await client.json("/read"), ["Eve", false], name);
    assert(!Deno.inspect(said, { depth: 9 }).includes(SECRET_WORD), name);
  }
});

Deno.test("records: a session whose meta is torn shows none, in a request and in lists, and nothing of it is said", async () => {
  for (const meta of ["{", `{"device":"${SECRET_WORD}"`, "null", "[]", "1", ""]) {
    const { app, client, said, store } = setup();
    await client.text("/login/Ada");
    const sid = await client.text("/sid");
    await new Client(app).text("/login/Bob");
    store.spoil = (record) => record.sid === sid ? { ...record, meta } : record;
    assertEquals(await client.text("/meta"), "null", meta);
    assertEquals(await client.text("/list"), JSON.stringify([{ device: SECRET_WORD }, null]), meta);
    assert(!Deno.inspect(said, { depth: 9 }).includes(SECRET_WORD), meta);
  }
});
