import { Buffer } from "node:buffer";
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import {
  type Coder,
  fromBase64Url,
  nodeCoder,
  ownCoder,
  toBase64Url,
  webCoder,
} from "../../src/crypto/base64url.ts";

/** Texts of which few are base64url. */
const texts = fc.string({
  unit: fc.constantFrom(..."AQgwBCX09-_+/= \t\n\u00a0é"),
  maxLength: 12,
});

function holds(text: string): void {
  const bytes = fromBase64Url(text);
  assertEquals(
    bytes && toBase64Url(bytes),
    /^[A-Za-z0-9_-]*$/.test(text) && bytes ? text : undefined,
  );
}

Deno.test("fromBase64Url() reads the one text that stands for some bytes, and no other", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
    assertEquals(fromBase64Url(toBase64Url(bytes)), new Uint8Array(bytes));
    assertEquals(toBase64Url(bytes), Buffer.from(bytes).toString("base64url"));
  }));
  fc.assert(fc.property(texts, holds), { numRuns: 20_000 });
  for (const text of ["A", "AB", "AAB", "AA==", "A A", "AAA\n", "AA+A", "AAAA "]) {
    assertEquals(fromBase64Url(text), undefined, JSON.stringify(text));
  }
});

const CODERS: Record<string, Coder | undefined> = {
  "the runtime": ownCoder(),
  "Node": nodeCoder(),
  "the web": webCoder(),
};

for (const [name, coder] of Object.entries(CODERS)) {
  Deno.test(`fromBase64Url() reads the same by ${name}, and writes it`, () => {
    assert(coder);
    const bytes = crypto.getRandomValues(new Uint8Array(70_000).subarray(0, 1001));
    assertEquals(coder.encode(bytes), toBase64Url(bytes));
    let read = 0;
    for (const text of fc.sample(texts, { numRuns: 5000, seed: 1 })) {
      const bytes = fromBase64Url(text, coder);
      assertEquals(bytes, fromBase64Url(text), JSON.stringify(text));
      if (!bytes?.length) continue;
      assertEquals(coder.encode(bytes), text);
      read++;
    }
    assert(read > 10);
  });
}
