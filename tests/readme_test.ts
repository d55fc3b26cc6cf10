import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, ROOT } from "../scripts/paths.ts";

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

const readme = await Deno.readTextFile(new URL("README.md", ROOT));

function blockWith(text: string): string {
  const block = readme.split("```ts ignore\n").map((rest) => rest.split("```")[0]!)
    .find((block) => block.includes(text));
  assert(block);
  return block;
}

const CONTEXT_LINES = blockWith('declare module "hono"');
const DATA_LINES = blockWith('declare module "@x/hono-session"');

Deno.test('coming from hono-session: `import "hono-session/global"`', async () => {
  await check(CONTEXT_LINES + APP);
});

Deno.test("coming from hono-session: `session()`, where every key was `any`", async () => {
  await check(CONTEXT_LINES + APP);
  await check(DATA_LINES + DATA_APP);
});

Deno.test('coming from @hattip/session: `declare module "@hattip/session" { interface SessionData … }`', async () => {
  await check(DATA_LINES + DATA_APP);
});

Deno.test('coming from hono-session: `declare module "hono-session" { interface Session … }`', async () => {
  await check(DATA_LINES + DATA_APP);
});

Deno.test("coming from hono-session: `Variables: { Session: { userId: string } }`", async () => {
  await check(CONTEXT_LINES + GUARDED_APP);
});

Deno.test("every row of the tables for those who come from another library has a test of its name", async () => {
  const section = readme.slice(
    readme.indexOf("## Coming from another library"),
    readme.indexOf("## How it compares"),
  );
  const rows = section.split("\n### ").slice(1).flatMap((table) => {
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

Deno.test("the README describes every option and no other", async () => {
  const { SHAPES } = await import("../src/check_shapes.ts");
  const table = readme.slice(readme.indexOf("## Options"), readme.indexOf("## Stores"));
  const described = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name!);
  assertEquals(described.toSorted(), Object.keys(SHAPES).toSorted());
});

Deno.test("the README's test command is what CI runs", async () => {
  const ci = await Deno.readTextFile(new URL(".ci/run", ROOT));
  const [command] = /npx -y deno@[\d.]+ task test/.exec(readme) ?? [];
  assert(command && ci.includes(command));
});

Deno.test("the README's devices can't be kept from logging in by what they send", async () => {
  const [, example] = /```ts\n([^`]*\.get\("\/devices"[\s\S]*?)```/.exec(readme) ?? [];
  assert(example);
  await run(`${example}
    for (const agent of ["x".repeat(100_000), '"\\\\'.repeat(50_000), "\u00e9".repeat(9_000), ""]) {
      const login = await app.request("/login", { method: "POST", headers: { "user-agent": agent } });
      assertEquals([login.status, login.headers.getSetCookie().length], [302, 1]);
    }
  `);
});

/** Checks the types of a program. */
async function check(program: string): Promise<void> {
  await deno(["check", "--quiet"], program);
}

/** Runs a program, and checks its types. */
async function run(program: string): Promise<void> {
  await deno(["run", "-A", "--check", "--quiet"], program);
}

/** Has Deno do something with a program. */
async function deno(command: string[], program: string): Promise<void> {
  const file = await Deno.makeTempFile({
    dir: fromFileUrl(new URL("tests/", ROOT)),
    suffix: ".ts",
  });
  const map = Deno.env.get("HONO_SESSION_IMPORT_MAP");
  try {
    await Deno.writeTextFile(file, program);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...command, ...(map ? [`--import-map=${map}`] : []), file],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(file);
  }
}
