import { assert, assertEquals } from "@std/assert";
import type { Hono } from "hono";
import { ROOT } from "../scripts/paths.ts";
import { Client } from "./_support/client.ts";
import {
  checkTypes,
  ignoredExample,
  ignoredExamples,
  readDocument,
  runProgram,
  sectionOf,
  withPrograms,
} from "./_support/documents.ts";

const APP = `
import { session } from "@x/hono-session";
import { Hono } from "hono";

type Same<One, Other> = [One] extends [Other] ? [Other] extends [One] ? true : false : false;
const same = <_Proof extends true>() => {};

new Hono().use(session<{ userId?: string }>()).get("/", (c) => {
  same<Same<typeof c.session.userId, string | undefined>>();
  c.session.userId = "42";
  // @ts-expect-error -- no such key
  c.session.nobody = 1;
  c.session = { userId: "42" };
  c.session = null;
  return c.text("ok");
});
new Hono().get("/", (c) => {
  same<Same<typeof c.session.isNew, boolean>>();
  return c.text("ok");
});
`;

const GUARDED_APP = `
import { session } from "@x/hono-session";
import { Hono } from "hono";
import { createMiddleware } from "hono/factory";

const verifySession = createMiddleware<{ Variables: { user: string; Session: { userId: string } } }>(
  async (c, next) => {
    if (!c.session.userId) return c.text("Unauthorised", 401);
    c.set("user", c.session.userId);
    return await next();
  },
);
new Hono().use(session<{ userId?: string; name?: string }>()).get("/", verifySession, (c) => {
  const userId: string = c.session.userId;
  const name: string | undefined = c.session.name;
  // @ts-expect-error -- the guard says nothing of it
  const certain: string = c.session.name;
  return c.text(c.get("user") + userId + name + certain);
});
`;

const DATA_APP = `
import { session } from "@x/hono-session";
import { Hono } from "hono";

new Hono().use(session()).get("/", (c) => {
  const userId: string | undefined = c.var.session.userId;
  // @ts-expect-error -- no such key
  c.var.session.nobody = 1;
  return c.text(userId ?? "nobody");
});
`;

const REFERENCE = ".github/REFERENCE.md";
const MIGRATING = ".github/MIGRATING.md";
const STORES = "stores/README.md";

const readme = await readDocument("README.md");
const CONTEXT_LINES = await ignoredExample(REFERENCE, 'declare module "hono"');
const DATA_LINES = await ignoredExample(REFERENCE, 'declare module "@x/hono-session"');

/** What the application of the README imports and does not show. */
const USERS = `
export function findUser(email: unknown, password: unknown): { id: string } | undefined {
  return email === "ada@example.com" && password === "correct" ? { id: "42" } : undefined;
}
`;

/** What the examples of set-ups leave to the reader. */
const SET_UP = `
import { session } from "@x/hono-session";
import { CloudflareKvStore } from "@x/hono-session/stores/cloudflare-kv";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { type D1Like, D1Store } from "@x/hono-session/stores/d1";
import { DurableObjectStore } from "@x/hono-session/stores/durable-objects";
import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { type PostgresClientLike, PostgresStore } from "@x/hono-session/stores/postgres";
import { type LibsqlClientLike, type SqliteDatabaseLike, SqliteStore } from "@x/hono-session/stores/sqlite";
import { type RedisClientLike, RedisStore } from "@x/hono-session/stores/redis";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { Redis } from "ioredis";
import { DatabaseSync } from "node:sqlite";
import { Pool } from "pg";
import postgres from "postgres";
import process from "node:process";
import { deserialize, serialize } from "node:v8";
import { createClient } from "redis";

declare const url: string;
declare const openKv: (path: string, options?: object) => Promise<Deno.Kv>;
declare const RedisClient: new (url: string) => RedisClientLike;
declare const SQL: new (url: string) => PostgresClientLike;
declare const bunDatabase: SqliteDatabaseLike;
declare const betterSqlite: SqliteDatabaseLike;
declare const libsql: LibsqlClientLike;
declare const env: { DB: D1Like };
`;

/** A form that a browser posts from a page of some site. */
function post(fields: Record<string, string> = {}, origin = "https://app.test"): RequestInit {
  return { method: "POST", body: new URLSearchParams(fields), headers: { origin } };
}

Deno.test('coming from hono-session: `import "hono-session/global"`', async () => {
  await checkTypes({ "app.ts": CONTEXT_LINES + APP });
});

Deno.test("coming from hono-session: `session()`, where every key was `any`", async () => {
  await checkTypes({ "app.ts": CONTEXT_LINES + APP });
  await checkTypes({ "app.ts": DATA_LINES + DATA_APP });
});

Deno.test('coming from @hattip/session: `declare module "@hattip/session" { interface SessionData … }`', async () => {
  await checkTypes({ "app.ts": DATA_LINES + DATA_APP });
});

Deno.test('coming from hono-session: `declare module "hono-session" { interface Session … }`', async () => {
  await checkTypes({ "app.ts": DATA_LINES + DATA_APP });
});

Deno.test("coming from hono-session: `Variables: { Session: { userId: string } }`", async () => {
  await checkTypes({ "app.ts": CONTEXT_LINES + GUARDED_APP });
});

Deno.test("every row of the tables for those who come from another library has a test of its name", async () => {
  const [section] = (await readDocument(MIGRATING)).split("\n## Comparison");
  const rows = section!.split("\n## ").slice(1).flatMap((table) => {
    const [library, ...lines] = table.split("\n");
    return lines.filter((line) => /^\| (?!you wrote|---)/.test(line))
      .map((line) => `coming from ${library}: ${line.split(" | ")[0]!.slice(2)}`);
  });
  const files = ["tests/readme_test.ts"];
  for await (const { name } of Deno.readDir(new URL("tests/coming_from", ROOT))) {
    files.push(`tests/coming_from/${name}`);
  }
  const tests: string[] = [];
  for (const file of files) {
    const text = await Deno.readTextFile(new URL(file, ROOT));
    const [, prefix = ""] = /`(coming from [^$`]*: )\$\{name\}`/.exec(text) ?? [];
    for (
      const [, quote, name] of text.matchAll(/(?:row|nameOf|Deno\.test)\(\s*(["'`])(.*?)\1[,)]/g)
    ) {
      assert(quote && name);
      if (!name.includes("${")) tests.push(file.includes("coming_from") ? prefix + name : name);
    }
  }
  const named = tests.filter((name) => name.startsWith("coming from "));
  assert(rows.length > 40);
  assertEquals(named.toSorted(), rows.toSorted());
});

Deno.test("the reference describes every option and no other, the README some of them with the same default", async () => {
  const { SHAPES } = await import("../src/options/shapes.ts");
  const rows = (table: string) =>
    [...table.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)]
      .map(([, name, standard]) => [name!, standard!] as const);
  const all = new Map(rows(await sectionOf(REFERENCE, "## Options")));
  assertEquals([...all.keys()].toSorted(), Object.keys(SHAPES).toSorted());
  const some = rows(await sectionOf("README.md", "## Options"));
  for (const [name, standard] of some) assertEquals(all.get(name), standard, name);
  assert(some.length > 6);
  assert(readme.includes(`has the other ${all.size - some.length} `));
});

Deno.test("the README and the reference describe every member of a session", async () => {
  const { SessionObject } = await import("../src/session/session_object.ts");
  const members = Object.getOwnPropertyNames(SessionObject.prototype)
    .filter((name) => !/^(constructor|__.*)$/.test(name));
  for (const [path, heading] of [["README.md", "## The session"], [REFERENCE, "## The session"]]) {
    const cells = (await sectionOf(path!, heading!)).match(/^\| `[^|]+\|/gm)!.join("");
    const named = [...cells.matchAll(/`(?:await )?([a-z]\w+)[`(]/gi)].map(([, name]) => name!);
    assertEquals([...new Set(named)].toSorted(), members.toSorted());
  }
});

Deno.test("the README has at most 200 lines", () => {
  assert(readme.trimEnd().split("\n").length <= 200);
});

Deno.test("examples of the README that look like an application do what it says", async (t) => {
  const kv = await Deno.openKv(":memory:");
  const original = Object.getOwnPropertyDescriptor(Deno, "openKv")!;
  Object.defineProperty(Deno, "openKv", {
    value: () => Promise.resolve(kv),
    configurable: true,
  });
  const run = async (text: string, check: (app: Hono) => Promise<void>) => {
    const code = await ignoredExample("README.md", text);
    const example = code.includes("export default") ? code : `${code}\nexport default app;\n`;
    await withPrograms({ "app.ts": example, "users.ts": USERS }, async (folder) => {
      await check((await import(`${folder}/app.ts`)).default);
    });
  };
  try {
    await t.step(
      "the smallest app keeps a name",
      () =>
        run("Hello, ${c.var.session.name", async (app) => {
          const [ada, visitor] = [new Client(app), new Client(app)];
          assertEquals(await ada.text("/"), "Hello, stranger");
          assertEquals(await ada.value(), undefined);
          assertEquals((await ada.fetch("/name", post({ name: "Ada" }))).status, 302);
          assertEquals([await ada.text("/"), await visitor.text("/")], [
            "Hello, Ada",
            "Hello, stranger",
          ]);
        }),
    );

    await t.step(
      "login gives a new token, logout ends the session, other sites are rejected",
      () =>
        run("findUser(email, password)", async (app) => {
          const ada = new Client(app);
          const right = { email: "ada@example.com", password: "correct" };
          const login = (fields: Record<string, string>, origin?: string) =>
            ada.fetch("/login", post(fields, origin));
          assertEquals((await login(right, "https://other.example")).status, 403);
          assertEquals((await login({ ...right, password: "wrong" })).status, 401);
          assertEquals((await ada.fetch("/account")).status, 401);
          assertEquals((await login(right)).headers.get("location"), "/account");
          const [first, before] = [await ada.value(), await ada.thief()];
          assertEquals(await ada.text("/account"), "Hello, user 42");
          await login(right);
          assert(first && first !== await ada.value());
          assertEquals((await before.fetch("/account")).status, 401);
          const copy = await ada.thief();
          assertEquals((await ada.fetch("/logout", post())).headers.get("location"), "/");
          assertEquals((await copy.fetch("/account")).status, 401);
        }),
    );

    await t.step("a user sees and ends sessions", () =>
      run("createSessions()", async (app) => {
        const { createSessions } = await import("@x/hono-session");
        const login = async () => {
          const { cookie, sid } = await createSessions().create({}, { subject: "user:42" });
          const fetch = (path: string, method = "GET") =>
            Promise.resolve(app.request(path, { method, headers: { cookie } }));
          return { sid, fetch };
        };
        const [one, two, three] = [await login(), await login(), await login()];
        assertEquals((await app.request("/devices")).headers.get("location"), "/login");
        const listed = async () => {
          const response = await one.fetch("/devices");
          const summaries: { sid: string }[] = await response.json();
          return summaries.map(({ sid }) => sid).toSorted();
        };
        assertEquals(await listed(), [one.sid, two.sid, three.sid].toSorted());
        assertEquals(await (await one.fetch(`/devices/${two.sid}`, "DELETE")).json(), true);
        assertEquals(await listed(), [one.sid, three.sid].toSorted());
        assertEquals(await (await one.fetch("/devices", "DELETE")).json(), 1);
        assertEquals(await listed(), [one.sid]);
      }));
  } finally {
    Object.defineProperty(Deno, "openKv", original);
    kv.close();
  }
});

Deno.test("examples that do not run by themselves have the right types", async () => {
  const examples = [...await ignoredExamples("README.md"), ...await ignoredExamples(STORES)]
    .filter((code) => !code.includes("@hono/node-server"));
  const programs = examples.map((code, at) => {
    const program = /^import /m.test(code) ? code : SET_UP + code;
    return [`example${at}.ts`, `${program}\nexport {};\n`];
  });
  assert(programs.length > 7);
  await checkTypes({ ...Object.fromEntries(programs), "users.ts": USERS });
});

Deno.test("the README's test command is what CI runs", async () => {
  const ci = await Deno.readTextFile(new URL(".ci/run", ROOT));
  const [command] = /npx -y deno@[\d.]+ task test/.exec(readme) ?? [];
  assert(command && ci.includes(command));
});

Deno.test("the reference's devices can't be kept from logging in by what they send", async () => {
  const text = await readDocument(REFERENCE);
  const [, example] = /```ts\n([^`]*post\("\/login"[^`]*meta = [\s\S]*?)```/.exec(text) ?? [];
  assert(example);
  await runProgram(`${example}
    for (const agent of ["x".repeat(100_000), '"\\\\'.repeat(50_000), "\u00e9".repeat(9_000), ""]) {
      const login = await app.request("/login", { method: "POST", headers: { "user-agent": agent } });
      assertEquals([login.status, login.headers.getSetCookie().length], [302, 1]);
    }
  `);
});
