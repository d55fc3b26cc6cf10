const ROOT = new URL("../../", import.meta.url);

/** The first argument of what declares a test or a case of a suite. */
const TITLE_REGEXP =
  /(?:\btest\(|\bstep\(|\bname:)\s*(?:"((?:[^"\\]|\\.)+)"|'((?:[^'\\]|\\.)+)'|`((?:[^`\\]|\\.)+)`)/g;

async function* sources(folder: URL): AsyncGenerator<URL> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield new URL(name, folder);
  }
}

/** Matches a title in the source, whatever stands for what is put into it, behind the name of a suite or not. */
function toRegExp(title: string): RegExp {
  const parts = title.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^(?:[^:]+: )?${parts.join(".+")}$`, "s");
}

/** Whether there is a test of some title. */
export async function knownTitles(): Promise<(title: string) => boolean> {
  const patterns: RegExp[] = [];
  for (const folder of ["tests/", "stores/testing/"]) {
    for await (const file of sources(new URL(folder, ROOT))) {
      const text = await Deno.readTextFile(file);
      for (const [, ...titles] of text.matchAll(TITLE_REGEXP)) {
        const title = titles.find((each) => each !== undefined)!.replaceAll(/\\(["'`])/g, "$1");
        // What is nothing but put together says nothing.
        if (/[a-z]{3}/.test(title.replaceAll(/\$\{[^}]*\}/g, ""))) patterns.push(toRegExp(title));
      }
    }
  }
  return (title) => patterns.some((pattern) => pattern.test(title));
}
