import { assert, assertEquals } from "@std/assert";
import { knownTitles } from "./_titles.ts";

const text = await Deno.readTextFile(new URL("../../SECURITY.md", import.meta.url));

/** The sections of ASVS 5.0 that are answered, and how many requirements each has. */
const SECTIONS = { "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 3, "7.6": 2, "3.3": 5 };

const ids = Object.entries(SECTIONS)
  .flatMap(([section, count]) => Array.from({ length: count }, (_, n) => `${section}.${n + 1}`));

const rows = [...text.matchAll(/^\| (\d\.\d\.\d) \|(.+)\|$/gm)]
  .map(([, id, rest]) => [id!, ...rest!.split(" | ").map((cell) => cell.trim())]);

Deno.test("SECURITY.md answers each requirement of ASVS 5.0, 7 and 3.3, once", () => {
  assertEquals(rows.map(([id]) => id), ids);
});

Deno.test("SECURITY.md names tests that there are, for all that is not the application's", async () => {
  const isKnown = await knownTitles();
  for (const [id, , how, tests = ""] of rows) {
    const titles = [...tests.matchAll(/`([^`]+)`/g)].map(([, title]) => title!);
    assert(titles.length > 0 || how!.startsWith("Yours"), `${id} has no test`);
    for (const title of titles) assert(isKnown(title), `${id}: there is no test "${title}"`);
  }
});

Deno.test("SECURITY.md says what is protected, who attacks, what is promised and what is not, and how to report", () => {
  for (
    const heading of [
      "## Reporting a weakness",
      "### What is protected",
      "### Attacks and protections",
      "### What happens when something fails",
      "### What is promised",
      "### What is trusted",
      "### What is out of scope",
    ]
  ) {
    assert(text.includes(`\n${heading}\n`), heading);
  }
});
