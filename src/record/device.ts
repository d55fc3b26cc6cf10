/** The algorithms of device keys: ECDSA with P-256, and RSASSA-PKCS1-v1_5, both with SHA-256 (RFC 7518, 3.1). */
export type DeviceAlgorithm = "ES256" | "RS256";

/** The binding of a session to a key that the browser keeps in its device. */
export interface DeviceBinding {
  readonly alg: DeviceAlgorithm;
  /**
   * The two numbers of the public key in base64url, joined by a dot: `x` and `y`, or `n` and `e` (RFC 7518, 6.2 and
   * 6.3).
   */
  readonly key: string;
  /** When the session was bound, in epoch milliseconds. */
  readonly boundAt: number;
  /** When the browser last proved that it has the key, in epoch milliseconds. */
  readonly provenAt: number;
  /** The time of the last challenge that was accepted, in epoch milliseconds. Older ones are not accepted again. */
  readonly challengeAt: number;
}

/**
 * When a session was bound to its device, and when the browser last proved that it still runs there.
 *
 * @experimental
 *
 * @example Usage
 * ```ts
 * import type { SessionDevice } from "@x/hono-session";
 *
 * const describe = ({ provenAt }: SessionDevice) => `proved its device at ${provenAt.toISOString()}`;
 * console.assert(describe({ boundAt: new Date(0), provenAt: new Date(0) }).endsWith("Z"));
 * ```
 */
export interface SessionDevice {
  /** When the session was bound. */
  readonly boundAt: Date;
  /** When the browser last proved that it has the key. */
  readonly provenAt: Date;
}

const BINDING_REGEXP =
  /^(ES256|RS256)\.([\w-]{1,1024}\.[\w-]{1,64})\.(\d{1,16})\.(\d{1,16})\.(\d{1,16})$/;

/** Returns the text of a binding in a record. */
export function serializeBinding(binding: DeviceBinding): string {
  const { alg, key, boundAt, provenAt, challengeAt } = binding;
  return [alg, key, boundAt, provenAt, challengeAt].join(".");
}

/** Parses the text of a binding; `undefined` when it is damaged. */
export function parseBinding(text: string): DeviceBinding | undefined {
  const [, alg, key, boundAt, provenAt, challengeAt] = BINDING_REGEXP.exec(text) ?? [];
  return key === undefined ? undefined : {
    alg: alg as DeviceAlgorithm,
    key,
    boundAt: Number(boundAt),
    provenAt: Number(provenAt),
    challengeAt: Number(challengeAt),
  };
}

/** Returns the times of a binding in a record; `undefined` when there is none, or it is damaged. */
export function deviceOf(text: string | undefined): SessionDevice | undefined {
  const binding = parseBinding(text ?? "");
  return binding && Object.freeze({
    boundAt: new Date(binding.boundAt),
    provenAt: new Date(binding.provenAt),
  });
}
