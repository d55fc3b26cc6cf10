import { fromBase64Url } from "../crypto/base64url.ts";
import type { DeviceAlgorithm, DeviceBinding } from "../record/device.ts";
import { isObject } from "../record/plain_object.ts";
import { parseObjectIfAny } from "../record/record.ts";

/** The largest length of a proof: one with an RSA key of 4096 bits has less than 2,500 characters. */
const LONGEST_PROOF = 4096;

const PROOF_REGEXP = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/** A public key with its algorithm. */
type PublicKey = Pick<DeviceBinding, "alg" | "key">;

/** An algorithm of device keys for Web Crypto. */
interface Algorithm {
  readonly web: EcKeyImportParams & EcdsaParams | RsaHashedImportParams;
  /** The members of a JWK that all of its keys share. */
  readonly jwk: JsonWebKey;
  /** The names of the numbers of a public key. */
  readonly numbers: readonly ["x", "y"] | readonly ["n", "e"];
  /** The valid form of the numbers in base64url, joined by a dot. */
  readonly form: RegExp;
}

const ALGORITHMS: Readonly<Record<DeviceAlgorithm, Algorithm>> = {
  ES256: {
    web: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    jwk: { kty: "EC", crv: "P-256" },
    numbers: ["x", "y"],
    form: /^[\w-]{43}\.[\w-]{43}$/,
  },
  // 2048 to 4096 bits, and an exponent of up to 4 bytes.
  RS256: {
    web: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    jwk: { kty: "RSA" },
    numbers: ["n", "e"],
    form: /^[\w-]{342,683}\.[\w-]{2,6}$/,
  },
};

/** The names of the algorithms that a browser may choose from, in order of preference. */
export const ALGORITHM_NAMES: readonly unknown[] = Object.keys(ALGORITHMS);

/** A proof whose signature is valid. */
export interface Proof extends PublicKey {
  /** The challenge that it answers. */
  readonly challenge: string;
}

/**
 * Verifies the proof in a header: a JWS (RFC 7515) over a challenge. Browsers send it bare; the draft has it as a quoted
 * string.
 *
 * @param value The value of the header.
 * @param known The key of the session. Without it the proof brings its own key, as at a registration.
 * @returns The proof; `undefined` when it is not valid.
 */
export async function verifyProof(
  value: string | null,
  known?: PublicKey,
): Promise<Proof | undefined> {
  if (value === null || value.length > LONGEST_PROOF) return undefined;
  const [, head, body, sign] = PROOF_REGEXP.exec(unquoted(value)) ?? [];
  const header = parsed(head);
  const payload = parsed(body);
  const signature = fromBase64Url(sign ?? "");
  if (!header || !payload || !signature) return undefined;
  const { typ, alg, crit } = header;
  const { jti } = payload;
  if (typ !== "dbsc+jwt" || crit !== undefined || typeof jti !== "string") return undefined;
  const key = known ?? keyIn(header);
  if (!key || key.alg !== alg) return undefined;
  const isRight = await isSignedBy(key, signature, `${head}.${body}`);
  return isRight ? { ...key, challenge: jti } : undefined;
}

/** Removes the quotes of a quoted string. */
export function unquoted(value: string): string {
  return value.replace(/^"(.*)"$/, "$1");
}

function parsed(part: string | undefined): Record<string, unknown> | undefined {
  const bytes = fromBase64Url(part ?? "");
  return parseObjectIfAny(bytes && new TextDecoder().decode(bytes));
}

/** Returns the public key in the header of a proof. */
function keyIn({ alg, jwk }: Record<string, unknown>): PublicKey | undefined {
  if (!isAlgorithm(alg) || !isObject(jwk)) return undefined;
  const { jwk: { kty, crv }, numbers, form } = ALGORITHMS[alg];
  if (jwk.kty !== kty || jwk.crv !== crv) return undefined;
  const key = numbers.map((name) => jwk[name]).join(".");
  return form.test(key) ? { alg, key } : undefined;
}

function isAlgorithm(alg: unknown): alg is DeviceAlgorithm {
  return ALGORITHM_NAMES.includes(alg);
}

async function isSignedBy(
  { alg, key }: PublicKey,
  signature: Uint8Array<ArrayBuffer>,
  message: string,
): Promise<boolean> {
  const { web, jwk, numbers: [name, other] } = ALGORITHMS[alg];
  const [one, two] = key.split(".");
  try {
    const whole = { ...jwk, [name]: one, [other]: two };
    const key = await crypto.subtle.importKey("jwk", whole, web, false, ["verify"]);
    return await crypto.subtle.verify(web, key, signature, new TextEncoder().encode(message));
  } catch {
    // The numbers are no key, such as a point that is not on the curve.
    return false;
  }
}
