import { Buffer } from "node:buffer";
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { fromBase64Url, toBase64Url } from "../src/base64url.ts";

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

Deno.test("fromBase64Url() reads the same where the runtime does not do it itself", () => {
  const { fromBase64 } = Uint8Array as { fromBase64?: unknown };
  assert(fromBase64);
  const seen = new Map<string, Uint8Array | undefined>();
  for (const text of fc.sample(texts, { numRuns: 5000, seed: 1 })) {
    seen.set(text, fromBase64Url(text));
  }
  assert([...seen.values()].some((bytes) => bytes && bytes.length > 1));
  Object.assign(Uint8Array, { fromBase64: undefined });
  try {
    for (const [text, bytes] of seen) {
      assertEquals(fromBase64Url(text), bytes, JSON.stringify(text));
    }
  } finally {
    Object.assign(Uint8Array, { fromBase64 });
  }
});
