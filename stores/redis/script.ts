import type { Awaitable } from "../../src/util/awaitable.ts";

/** A script, and the SHA-1 of its text by which the server identifies it. */
export interface Script {
  readonly text: string;
  sha1(): Awaitable<string>;
}

/** Makes a script from its text. */
export function script(...parts: string[]): Script {
  const text = parts.map((part) => `${part.trim()}\n`).join("");
  let sha1: string | undefined;
  return { text, sha1: () => sha1 ?? hash(text).then((hashed) => sha1 = hashed) };
}

async function hash(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
