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

Deno.test("the lines of the README give c.session its type", async () => {
  const [, block] = /```ts ignore\n([^`]*declare module[^`]*)```/.exec(readme) ?? [];
  assert(block);
  await check(block + APP);
});

Deno.test("the lines of the README give all sessions their data", async () => {
  const [, block] = /```ts ignore\n(\/\/ Not run: it would[^`]*)```/.exec(readme) ?? [];
  assert(block);
  await check(block + DATA_APP);
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

/** Checks the types of a program of its own. */
async function check(program: string): Promise<void> {
  const file = await Deno.makeTempFile({
    dir: fromFileUrl(new URL("tests/", ROOT)),
    suffix: ".ts",
  });
  const map = Deno.env.get("HONO_SESSION_IMPORT_MAP");
  try {
    await Deno.writeTextFile(file, program);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", ...(map ? [`--import-map=${map}`] : []), file],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(file);
  }
}
