import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../scripts/paths.ts";
import { DOCUMENTS } from "./_support/documents.ts";

interface Tag {
  kind: string;
  doc?: string;
}

interface Doc {
  doc?: string;
  tags?: Tag[];
}

interface Symbol {
  name: string;
  declarations: { kind: string; jsDoc?: Doc }[];
}

const map = Deno.env.get("HONO_SESSION_IMPORT_MAP");
const { exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));

async function docsOf(entry: string): Promise<{ module: Doc | undefined; symbols: Symbol[] }> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...(map ? [`--import-map=${map}`] : []), entry],
    cwd: ROOT,
  }).output();
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout));
  const [{ module_doc: module, symbols }] = Object.values(nodes) as [
    { module_doc?: Doc; symbols: Symbol[] },
  ];
  return { module, symbols };
}

function examplesOf(doc: Doc | undefined): string[] {
  return (doc?.tags ?? []).filter(({ kind }) => kind === "example").map(({ doc }) => doc ?? "");
}

for (const [key, entry] of Object.entries<string>(exports)) {
  Deno.test(`docs: ${key} has a page, and each of its symbols a titled example that runs`, async () => {
    const { module, symbols } = await docsOf(entry);
    assert(module?.tags?.some(({ kind }) => kind === "module"), "an @module page");
    assertEquals(examplesOf(module).length, 1, "one example on the page");
    assert(symbols.length > 0);
    for (const { name, declarations } of symbols) {
      if (name === "default") continue;
      const documented = declarations.map(({ jsDoc }) => jsDoc).find((jsDoc) => jsDoc?.doc);
      assert(documented, `${name} has no documentation`);
      const examples = examplesOf(documented);
      assertEquals(examples.length, 1, `${name} has ${examples.length} examples`);
      assert(
        /^\S.*\n```ts\n/.test(examples[0]!),
        `the example of ${name} has no title or does not run`,
      );
    }
  });
}

Deno.test("docs: no more examples are kept from running than there is a reason for", async () => {
  const ignored: Record<string, number> = {};
  const source = ["mod.ts", ...await filesOf("src/"), ...await filesOf("stores/")];
  for (const path of new Set([...DOCUMENTS, ...source])) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    const count = text.split("```ts ignore").length - 1;
    if (count) ignored[path] = count;
  }
  // readme_test.ts runs those that look like an application, and checks the types of the others: lines that augment a module,
  // and databases that a test should not open.
  assertEquals(ignored, {
    "README.md": 5,
    "stores/README.md": 9,
    // A test runs four of them on other runtimes.
    ".github/REFERENCE.md": 6,
    ".github/MIGRATING.md": 1,
  });
});

async function filesOf(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(folder, ROOT)));
  const nested = entries.map(({ name, isDirectory }) =>
    isDirectory ? filesOf(`${folder}${name}/`) : [folder + name]
  );
  return (await Promise.all(nested)).flat();
}
