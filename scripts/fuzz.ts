// Tries many cases of everything that clients may make up: `deno task fuzz [cases]`, 100,000 of each unless told otherwise.
import fc from "fast-check";
import { cookieHeaders } from "../tests/hostile/_fuzz_cookies.ts";
import { recordBytes } from "../tests/hostile/_fuzz_records.ts";
import { sealedValues } from "../tests/hostile/_fuzz_sealed.ts";

const CASES = 100_000;

const [cases = CASES] = Deno.args.map(Number);
if (!Number.isInteger(cases) || cases < 1) {
  console.error("Cannot fuzz: the number of cases is no positive integer");
  Deno.exit(1);
}

for (const { name, property } of [cookieHeaders, sealedValues, recordBytes]) {
  const begun = performance.now();
  const details = await fc.check(property(), { numRuns: cases });
  if (details.failed) {
    console.error(`${name}: ${fc.defaultReportMessage(details)}`);
    Deno.exit(1);
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${name}: ${details.numRuns} cases in ${seconds} s, seed ${details.seed}`);
}
