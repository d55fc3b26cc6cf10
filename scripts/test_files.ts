import { fromFileUrl, ROOT } from "./paths.ts";

/** What starts another program: a database, a browser, workerd, npm, or Deno itself. */
const PROGRAM_REGEXP = /"playwright-core"|"miniflare"|\bDeno\.Command\b/;

/** What runs a suite over a store. */
const SUITE_REGEXP = /\b(?:httpSuite|storeConformance)\(/;

/** What takes long: browsers, installations of packages, the HTTP suite over a database, and DynamoDB Local. */
const LONG_REGEXP = /"playwright-core"|"npm", "install"|\bhttpSuite\(|"java"/;

const IMPORT_REGEXP = /\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;

/** The test files. */
export interface TestFiles {
  /** Those that run a suite over a store in this process, and wait most of the time. */
  suites: string[];
  /** The others that run in one process of Deno. */
  fast: string[];
  /** Those that start other programs, and take long. */
  long: string[];
  /** The others that start other programs. */
  programs: string[];
}

/** Finds the test files. One starts a program if it or a module that it imports from `tests/` does. */
export async function findTestFiles(): Promise<TestFiles> {
  const texts = await readTexts(new URL("tests/", ROOT));
  const files: TestFiles = { suites: [], fast: [], long: [], programs: [] };
  for (const url of [...texts.keys()].filter((url) => url.endsWith("_test.ts")).toSorted()) {
    const modules = [...reachable(url, texts)].map((module) => texts.get(module)!);
    const group = modules.some((text) => PROGRAM_REGEXP.test(text))
      ? modules.some((text) => LONG_REGEXP.test(text)) ? "long" : "programs"
      : SUITE_REGEXP.test(texts.get(url)!)
      ? "suites"
      : "fast";
    files[group].push(fromFileUrl(new URL(url)));
  }
  return files;
}

/** Finds a module and all that it imports, of those in `texts`. */
function reachable(
  url: string,
  texts: ReadonlyMap<string, string>,
  found = new Set<string>(),
): Set<string> {
  const text = texts.get(url);
  if (text === undefined || found.has(url)) return found;
  found.add(url);
  for (const [, path] of text.matchAll(IMPORT_REGEXP)) {
    reachable(new URL(path!, url).href, texts, found);
  }
  return found;
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
