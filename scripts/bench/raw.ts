import { createDecipheriv, createHash, randomBytes } from "node:crypto";
import type { Backend } from "./backends.ts";
import { makeData } from "./data.ts";
import type { Contestant } from "./measure.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const encoder = new TextEncoder();

/** The bare operations that reading a session is made of, where it is kept. */
export async function rawOf({ storage, kv, redis }: Backend, bytes: number): Promise<Contestant[]> {
  const data = makeData(bytes);
  switch (storage) {
    case "deno-kv":
      await kv!.set(["raw"], data);
      return [{ name: "raw: kv.get", run: () => kv!.get(["raw"]) }];
    case "redis":
      await redis!.set("raw", JSON.stringify(data));
      return [{ name: "raw: Redis GET", run: () => redis!.get("raw") }];
    case "map":
      return hashing();
    case "encrypted":
      return await opening(encoder.encode(JSON.stringify(data)));
    default:
      return [];
  }
}

function hashing(): Contestant[] {
  const token = randomBytes(32).toString("base64url");
  return [
    {
      name: "raw: SHA-256, node:crypto",
      run: () => createHash("sha256").update(token).digest("base64url"),
    },
    {
      name: "raw: SHA-256, Web Crypto",
      run: () => crypto.subtle.digest("SHA-256", encoder.encode(token)),
    },
  ];
}

async function opening(text: Uint8Array<ArrayBuffer>): Promise<Contestant[]> {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const algorithm = { name: "AES-GCM", iv };
  const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, text));
  return [
    {
      name: "raw: AES-GCM opening, node:crypto",
      run() {
        const decipher = createDecipheriv("aes-256-gcm", secret, iv);
        decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
        return decipher.update(sealed.subarray(0, -TAG_BYTES), undefined, "utf8") +
          decipher.final("utf8");
      },
    },
    {
      name: "raw: AES-GCM opening, Web Crypto",
      run: () => crypto.subtle.decrypt(algorithm, key, sealed),
    },
  ];
}
