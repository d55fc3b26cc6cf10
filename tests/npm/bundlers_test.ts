import { assertEquals } from "@std/assert";
import { run } from "../../scripts/npm/run.ts";
import { installed, skipNpm } from "./_npm.ts";
import { packageTarball } from "./_package.ts";

/** Prints how the value of its session cookie begins. */
const APP = `
  import { session } from "@x/hono-session";
  import { Hono } from "hono";

  const secret = "a secret of thirty-two characters or more";
  const app = new Hono().use(session({ secret })).get("/", (c) => {
    c.session.name = "Ada";
    return c.text("stored");
  });
  const response = await app.request("/");
  const [cookie] = response.headers.getSetCookie();
  console.log(cookie.slice(0, "sid=Fe26.2*".length));
`;

/** Programs that bundle app.js into a file, with a condition of exports that is named after it, or none. */
const BUNDLERS: Record<string, string> = {
  esbuild: `
    import { build } from "esbuild";
    const conditions = condition ? [condition] : [];
    await build({ entryPoints: ["app.js"], outfile, conditions, bundle: true, format: "esm" });
  `,
  rolldown: `
    import { build } from "rolldown";
    const resolve = condition ? { conditionNames: [condition, "import", "default"] } : {};
    await build({ input: "app.js", platform: "neutral", resolve, output: { file: outfile, format: "esm" } });
  `,
  webpack: `
    import { promisify } from "node:util";
    import webpack from "webpack";
    const resolve = condition ? { conditionNames: [condition, "import", "..."] } : {};
    const output = { path: import.meta.dirname, filename: outfile, module: true, chunkFormat: "module" };
    const experiments = { outputModule: true, topLevelAwait: true };
    const target = "es2022";
    const optimization = { minimize: false };
    const config = { entry: "./app.js", mode: "production", target, output, experiments, resolve, optimization };
    const stats = await promisify(webpack)(config);
    if (stats.hasErrors()) throw new Error(stats.toString());
  `,
};

if (!skipNpm()) {
  const packages = ["hono@4", "esbuild@0.28", "rolldown@1", "webpack@5"];
  const cwd = await installed([await packageTarball(), ...packages]);
  await Deno.writeTextFile(`${cwd}/app.js`, APP);

  for (const [bundler, program] of Object.entries(BUNDLERS)) {
    await Deno.writeTextFile(
      `${cwd}/${bundler}.mjs`,
      `const [, , outfile, condition] = process.argv;\n${program}`,
    );

    Deno.test(`npm: what ${bundler} makes has Deno KV for Deno alone, and seals cookies elsewhere`, async () => {
      const [plain, forDeno] = [`${bundler}-out.mjs`, `${bundler}-deno.mjs`];
      await run(["node", `${bundler}.mjs`, plain], { cwd });
      await run(["node", `${bundler}.mjs`, forDeno, "deno"], { cwd });
      const has = async (file: string) =>
        (await Deno.readTextFile(`${cwd}/${file}`)).includes("openKv");
      assertEquals([await has(plain), await has(forDeno)], [false, true]);
      for (const file of [plain, forDeno]) {
        assertEquals((await run(["node", file], { cwd })).trim(), "sid=Fe26.2*", file);
      }
    });
  }
}
