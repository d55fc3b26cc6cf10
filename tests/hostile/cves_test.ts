import { assert, assertEquals } from "@std/assert";
import { knownTitles } from "./_titles.ts";
import { WEAKNESSES } from "./cves.ts";

const isKnown = await knownTitles();

for (const { id, of, cause, shown } of WEAKNESSES) {
  Deno.test(`${id} of ${of} (${cause}) is not here`, () => {
    if (typeof shown === "string") return assert(shown.length > 40, "a reason");
    assert(shown.length > 0);
    for (const title of shown) assert(isKnown(title), `there is no test "${title}"`);
  });
}

Deno.test("the table of weaknesses has each once, and titles that there are none of are noticed", () => {
  assertEquals(WEAKNESSES.length, 45);
  assertEquals(new Set(WEAKNESSES.map(({ id }) => id)).size, 45);
  assert(!isKnown("a test that nobody wrote"));
  assert(!isKnown(""));
});
