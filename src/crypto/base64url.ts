import { nodeBuiltin } from "./node.ts";

const BASE64URL_REGEXP = /^[A-Za-z0-9_-]*$/;
/** The valid last characters by the length of the text modulo 4: those without unused bits. */
const ENDS: readonly (RegExp | undefined)[] = [/./, undefined, /[AQgw]/, /[AEIMQUYcgkosw048]/];

/** The methods of newer runtimes, which are many times faster. */
interface Encoding {
  toBase64(options: { alphabet: "base64url"; omitPadding: true }): string;
}

interface Decoding {
  fromBase64?(text: string, options: { alphabet: "base64url" }): Uint8Array<ArrayBuffer>;
}

/** The part of Node's `Buffer` that is used. */
interface NodeBuffer {
  from(bytes: ArrayBufferLike, offset: number, length: number): { toString(to: string): string };
  from(text: string, from: "base64url"): Uint8Array<ArrayBuffer>;
}

/** An implementation of base64url. */
export interface Coder {
  encode(bytes: Uint8Array): string;
  /**
   * Returns the bytes of a text. For a text that is not base64url it returns anything, returns `undefined` or
   * throws.
   */
  decode(text: string): Uint8Array<ArrayBuffer> | undefined;
}

const CODER = ownCoder() ?? nodeCoder() ?? webCoder();

/** Encodes bytes as base64url without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return CODER.encode(bytes);
}

/** Decodes a base64url text; `undefined` when it is not the canonical encoding. */
export function fromBase64Url(
  text: string,
  { decode }: Coder = CODER,
): Uint8Array<ArrayBuffer> | undefined {
  if (text !== "" && !ENDS[text.length % 4]?.test(text.at(-1)!)) return undefined;
  try {
    const bytes = decode(text);
    // Newer runtimes accept spaces and padding.
    return bytes?.length === Math.floor(text.length * 3 / 4) ? bytes : undefined;
  } catch {
    return undefined;
  }
}

const ENCODED = { alphabet: "base64url", omitPadding: true } as const;

/** The implementation of newer runtimes. */
export function ownCoder(): Coder | undefined {
  const { fromBase64 } = Uint8Array as Decoding;
  return fromBase64 && {
    encode: (bytes) => (bytes as Uint8Array & Encoding).toBase64(ENCODED),
    decode: (text) => fromBase64(text, ENCODED),
  };
}

/** The implementation of `Buffer`, which Node has had for long. */
export function nodeCoder(): Coder | undefined {
  const Buffer = nodeBuiltin<{ Buffer: NodeBuffer }>("node:buffer")?.Buffer;
  return Buffer && {
    encode: ({ buffer, byteOffset, length }) =>
      Buffer.from(buffer, byteOffset, length).toString("base64url"),
    decode(text) {
      // Buffer accepts both alphabets and skips invalid characters.
      if (!BASE64URL_REGEXP.test(text)) return undefined;
      const { buffer, byteOffset, length } = Buffer.from(text, "base64url");
      return new Uint8Array(buffer, byteOffset, length);
    },
  };
}

/** An implementation for every runtime. */
export function webCoder(): Coder {
  return {
    encode(bytes) {
      let text = "";
      for (const byte of bytes) text += String.fromCharCode(byte);
      return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
    },
    decode(text) {
      if (!BASE64URL_REGEXP.test(text)) return undefined;
      const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
      return Uint8Array.from(binary, (character) => character.charCodeAt(0));
    },
  };
}
