import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { hashToken } from "../../src/crypto/store_key.ts";
import { isToken, makeSid, makeToken } from "../../src/crypto/token.ts";

Deno.test("makeToken() makes 256 random bits as 43 base64url characters", () => {
  const tokens = new Set(Array.from({ length: 10_000 }, makeToken));
  assertEquals(tokens.size, 10_000);
  for (const token of tokens) assert(isToken(token));
});

Deno.test("makeSid() makes 128 random bits that are no token", () => {
  const sid = makeSid();
  assertEquals(sid.length, 22);
  assert(!isToken(sid));
  assertNotEquals(makeSid(), sid);
});

Deno.test("isToken() takes nothing but 43 base64url characters", () => {
  const token = makeToken();
  const wrong = [
    "",
    token.slice(1),
    `${token}A`,
    `${token}\n`,
    token.slice(1) + "=",
    token.slice(1) + "é",
  ];
  for (const value of wrong) assert(!isToken(value), JSON.stringify(value));
});

Deno.test("hashToken() is SHA-256 of the text in base64url", async () => {
  // printf %s AAA… (43) | sha256sum, in base64url
  assertEquals(await hashToken("A".repeat(43)), await referenceHash("A".repeat(43)));
});

Deno.test("hashToken() tells the four texts of the same bytes apart", async () => {
  const start = makeToken().slice(0, 42);
  // The last character has two unused bits: these four decode to the same 32 bytes.
  const aliases = ["A", "B", "C", "D"].map((last) => start + last);
  assertEquals(new Set(await Promise.all(aliases.map(hashToken))).size, 4);
});

async function referenceHash(text: string): Promise<string> {
  const { createHash } = await import("node:crypto");
  return createHash("sha256").update(text).digest("base64url");
}
