import { assertEquals } from "@std/assert";
import { run } from "../../scripts/npm/run.ts";
import { minify } from "./_minified.ts";
import { installed, skipNpm } from "./_npm.ts";
import { packageTarball } from "./_package.ts";

const NAMES = [
  "SessionCommittedError",
  "SessionConflictError",
  "SessionEndedError",
  "SessionExistsError",
  "SessionLimitError",
  "SessionSerializationError",
  "SessionStoreError",
  "SessionTooLargeError",
];

/** Prints what each error calls itself, and one that an application meets. */
const PROGRAM = `
  import { ${NAMES.join(", ")}, session } from "@x/hono-session";
  import { Hono } from "hono";

  const describe = (error) => [error.name, String(error), error.stack.split("\\n")[0]];
  const sizes = { size: 2, limit: 1 };
  const all = [${NAMES.join(", ")}].map((Class) => describe(new Class("Cannot …", sizes)));

  const app = new Hono().use(session({ store: new Map() })).get("/", async (c) => {
    c.var.session.price = NaN;
    await c.var.session.save();
  });
  const met = new Promise((resolve) => app.onError((error, c) => {
    resolve(describe(error));
    return c.text("", 500);
  }));
  await app.request("/");
  console.log(JSON.stringify({ all, met: await met }));
`;

Deno.test({
  name: "npm: errors keep their names in a minified bundle",
  ignore: skipNpm(),
  async fn() {
    const cwd = await installed([await packageTarball(), "esbuild@0.28", "hono@4"]);
    const { path } = await minify(cwd, PROGRAM);
    const { all, met } = JSON.parse(await run(["node", path], { cwd }));
    const described = (name: string, message: string) => {
      const text = `${name}: ${message}`;
      return [name, text, text];
    };
    assertEquals(all, NAMES.map((name) => described(name, "Cannot …")));
    const message = "Cannot serialize session: session.price is NaN";
    assertEquals(met, described("SessionSerializationError", message));
  },
});
