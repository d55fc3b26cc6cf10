import { assert, assertEquals } from "@std/assert";
import { files } from "../scripts/npm/package.ts";
import { ROOT } from "../scripts/paths.ts";
import { DOCUMENTS, readDocument } from "./_support/documents.ts";

const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));

/** What users read; the rest is for those who change the project. */
const SHIPPED = [
  "README.md",
  "SECURITY.md",
  "CHANGELOG.md",
  "stores/README.md",
  ".github/REFERENCE.md",
  ".github/MIGRATING.md",
  ".github/CONFIRMING.md",
  ".github/METRICS.md",
  ".github/LOGOUT.md",
];

interface Link {
  from: string;
  path: string;
  anchor: string | undefined;
}

/** The links of a document that lead into the repository. Code holds none. */
function linksOf(from: string, text: string): Link[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = "", anchor] = target.split("#");
      const base = new URL(from, ROOT);
      const resolved = path === "" ? base : new URL(path, base);
      return { from, path: resolved.href.slice(ROOT.href.length), anchor };
    });
}

/** The anchors that the headings of a document get on its page. */
function anchorsOf(text: string): string[] {
  return [...text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.+)$/gm)]
    .map(([, heading]) =>
      heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-")
    );
}

const texts = new Map<string, string>();
for (const path of DOCUMENTS) texts.set(path, await readDocument(path));
const links = [...texts].flatMap(([from, text]) => linksOf(from, text));

async function documentsOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    const isSkipped = name === "node_modules" || name === "npm" || name === ".git";
    if (isDirectory && !isSkipped) found.push(...await documentsOf(`${folder}${name}/`));
    else if (name.endsWith(".md")) found.push((folder + name).slice(2));
  }
  return found;
}

Deno.test("documents: all of them are known here", async () => {
  assertEquals((await documentsOf("./")).toSorted(), DOCUMENTS.toSorted());
});

Deno.test("documents: links and anchors lead somewhere", async () => {
  assert(links.length > 30);
  const broken: string[] = [];
  for (const { from, path, anchor } of links) {
    const exists = await Deno.stat(new URL(path, ROOT)).then(() => true, () => false);
    const text = texts.get(path);
    const isFound = anchor === undefined || text !== undefined && anchorsOf(text).includes(anchor);
    if (!exists || !isFound) broken.push(`${from}: ${path}#${anchor}`);
  }
  assertEquals(broken, []);
});

Deno.test("documents: every document is linked from another one", () => {
  const linked = new Set(links.filter(({ from, path }) => from !== path).map(({ path }) => path));
  const known = ["README.md", ".github/PULL_REQUEST_TEMPLATE.md"];
  assertEquals(DOCUMENTS.filter((path) => !linked.has(path) && !known.includes(path)), []);
});

Deno.test("documents: those that users read are in both packages, where links between them work", () => {
  const include: string[] = config.publish.include;
  const isPublished = (path: string) =>
    include.some((entry) => path === entry || path.startsWith(`${entry}/`));
  assertEquals(DOCUMENTS.filter(isPublished).toSorted(), SHIPPED.toSorted());
  for (const path of SHIPPED) assertEquals(files[path], path);
});
