import { fromFileUrl, ROOT } from "./paths.ts";

/** What starts another program: a server, a browser, a runtime. */
const STARTS_REGEXP = /\bDeno\.Command\b|"playwright-core"|"miniflare"/;

const IMPORT_REGEXP = /\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

/** The test files, by whether they start other programs. */
export interface TestFiles {
  /** Those that run in one process of Deno. */
  fast: string[];
  /** Those that start servers, browsers, other runtimes or Deno itself. */
  system: string[];
}

/** Finds the test files. One starts other programs if it or a module that it imports from `tests/` does. */
export async function findTestFiles(): Promise<TestFiles> {
  const texts = await readTexts(new URL("tests/", ROOT));
  const files = [...texts.keys()].filter((url) => url.endsWith("_test.ts")).toSorted();
  const { fast = [], system = [] } = Object.groupBy(
    files,
    (url) => isSystem(url, texts, new Set()) ? "system" : "fast",
  );
  const toPath = (url: string) => fromFileUrl(new URL(url));
  return { fast: fast.map(toPath), system: system.map(toPath) };
}

function isSystem(url: string, texts: ReadonlyMap<string, string>, seen: Set<string>): boolean {
  const text = texts.get(url);
  if (text === undefined || seen.has(url)) return false;
  seen.add(url);
  return STARTS_REGEXP.test(text) ||
    text.matchAll(IMPORT_REGEXP).some(([, path]) =>
      isSystem(new URL(path!, url).href, texts, seen)
    );
}

async function readTexts(folder: URL): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    if (isDirectory) {
      for (const entry of await readTexts(url)) texts.set(...entry);
    } else if (name.endsWith(".ts")) texts.set(url.href, await Deno.readTextFile(url));
  }
  return texts;
}
