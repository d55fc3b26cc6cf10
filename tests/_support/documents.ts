import { assert } from "@std/assert";
import { fromFileUrl, ROOT } from "../../scripts/paths.ts";

/** Every document of the repository. */
export const DOCUMENTS = [
  "README.md",
  "SECURITY.md",
  "CHANGELOG.md",
  "stores/README.md",
  "scripts/bench/README.md",
  ".github/REFERENCE.md",
  ".github/MIGRATING.md",
  ".github/CONFIRMING.md",
  ".github/METRICS.md",
  ".github/LOGOUT.md",
  ".github/ARCHITECTURE.md",
  ".github/CONTRIBUTING.md",
  ".github/CODE_OF_CONDUCT.md",
  ".github/PULL_REQUEST_TEMPLATE.md",
];

const IGNORED_REGEXP = /^```ts ignore\n([\s\S]*?)^```$/gm;

/** The text of a document. */
export async function readDocument(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}

/** The examples of a document that do not run by themselves, in its order. */
export async function ignoredExamples(path: string): Promise<string[]> {
  return [...(await readDocument(path)).matchAll(IGNORED_REGEXP)].map(([, code]) => code!);
}

/** The example that holds some text and does not run by itself. */
export async function ignoredExample(path: string, text: string): Promise<string> {
  const found = (await ignoredExamples(path)).filter((code) => code.includes(text));
  assert(found.length === 1, `${path} has ${found.length} examples with ${text}`);
  return found[0]!;
}

/** A section of a document, without those below another heading of its level. */
export async function sectionOf(path: string, heading: string): Promise<string> {
  const text = await readDocument(path);
  const start = text.indexOf(`\n${heading}\n`);
  assert(start >= 0, `${path} has no section ${heading}`);
  const rest = text.slice(start + heading.length + 2);
  const [level] = /^#+ /.exec(heading)!;
  const end = rest.indexOf(`\n${level}`);
  return end < 0 ? rest : rest.slice(0, end);
}

/** Writes programs into a folder of the repository that is removed afterwards: there they see its imports. */
export async function withPrograms(
  programs: Record<string, string>,
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: fromFileUrl(new URL("tests/", ROOT)) });
  try {
    for (const [name, program] of Object.entries(programs)) {
      await Deno.writeTextFile(`${folder}/${name}`, program);
    }
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What was checked before. */
const checks = new Map<string, Promise<void>>();

/** Checks the types of programs. */
export async function checkTypes(programs: Record<string, string>): Promise<void> {
  const key = JSON.stringify(programs);
  const check = checks.get(key) ?? deno(["check", "--quiet"], programs);
  checks.set(key, check);
  await check;
}

/** Runs a program, and checks its types. */
export async function runProgram(program: string): Promise<void> {
  await deno(["run", "-A", "--check", "--quiet"], { "program.ts": program });
}

/** Has Deno do something with programs. */
async function deno(command: string[], programs: Record<string, string>): Promise<void> {
  const map = Deno.env.get("HONO_SESSION_IMPORT_MAP");
  await withPrograms(programs, async (folder) => {
    const files = Object.keys(programs).map((name) => `${folder}/${name}`);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...command, ...(map ? [`--import-map=${map}`] : []), ...files],
      cwd: fromFileUrl(ROOT),
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  });
}
