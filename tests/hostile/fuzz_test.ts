import fc from "fast-check";
import { assert } from "@std/assert";
import { cookieHeaders } from "./_fuzz_cookies.ts";
import { recordBytes } from "./_fuzz_records.ts";
import { sealedValues } from "./_fuzz_sealed.ts";

/** More are tried by `deno task fuzz`. */
const RUNS = 500;

for (const { name, planted, property } of [cookieHeaders, sealedValues, recordBytes]) {
  Deno.test(`fuzzing: ${name} that nobody would make are borne`, async () => {
    await fc.assert(property(), { numRuns: RUNS });
  });

  for (const mistake of planted) {
    Deno.test(`fuzzing: ${name} show that ${mistake}`, async () => {
      const { failed, numRuns } = await fc.check(property(mistake), {
        numRuns: 20_000,
        endOnFailure: true,
      });
      assert(failed, `not found in ${numRuns} runs`);
    });
  }
}
