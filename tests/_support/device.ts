import { assert, assertEquals } from "@std/assert";
import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import { Client } from "./client.ts";

const ALGORITHMS = {
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  RS256: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
} as const;

type Alg = keyof typeof ALGORITHMS;

const encoder = new TextEncoder();

/** Encodes a value as a part of a JWT. */
export function encode(value: unknown): string {
  return toBase64Url(encoder.encode(JSON.stringify(value)));
}

/** After so many seconds no request is on its way any more that a browser sent before it had its proof. */
export const SETTLED = 11;

/** The key of a device, which makes proofs as browsers do. */
export class DeviceKey {
  readonly alg: Alg;
  readonly jwk: JsonWebKey;
  readonly #pair: CryptoKeyPair;

  private constructor(alg: Alg, pair: CryptoKeyPair, { key_ops: _, ext: __, ...jwk }: JsonWebKey) {
    this.alg = alg;
    this.#pair = pair;
    this.jwk = jwk;
  }

  static async make(alg: Alg = "ES256"): Promise<DeviceKey> {
    const usages: KeyUsage[] = ["sign", "verify"];
    const pair = await crypto.subtle.generateKey(ALGORITHMS[alg], true, usages) as CryptoKeyPair;
    return new DeviceKey(alg, pair, await crypto.subtle.exportKey("jwk", pair.publicKey));
  }

  /** Makes the proof of a registration; members of the header and of the payload may be replaced. */
  register(challenge: string, header: object = {}, payload: object = {}): Promise<string> {
    return this.sign({ alg: this.alg, typ: "dbsc+jwt", jwk: this.jwk, ...header }, {
      jti: challenge,
      ...payload,
    });
  }

  /** Makes the proof of a refresh. */
  refresh(challenge: string, header: object = {}, payload: object = {}): Promise<string> {
    return this.sign({ alg: this.alg, typ: "dbsc+jwt", ...header }, { jti: challenge, ...payload });
  }

  async sign(header: unknown, payload: unknown): Promise<string> {
    const text = `${encode(header)}.${encode(payload)}`;
    const { privateKey } = this.#pair;
    const signature = await crypto.subtle.sign(
      ALGORITHMS[this.alg],
      privateKey,
      encoder.encode(text),
    );
    return `${text}.${toBase64Url(new Uint8Array(signature))}`;
  }
}

/** What a response asks a browser to register. */
export interface Registration {
  path: string;
  challenge: string;
}

export function registrationOf({ headers }: Response): Registration | undefined {
  const asked = headers.get("secure-session-registration");
  if (asked === null) return undefined;
  const [, path, challenge] = /^\(ES256 RS256\);path="([^"]+)";challenge="([^"]+)"$/.exec(asked) ??
    [];
  assert(path && challenge, asked);
  return { path, challenge };
}

/** The challenge of a response, for the session that it names. */
export function challengeOf({ headers }: Response): { challenge: string; id: string } {
  const given = headers.get("secure-session-challenge") ?? "";
  const [, challenge, id] = /^"([^"]+)";id="([^"]+)"$/.exec(given) ?? [];
  assert(challenge && id, `no challenge: ${given}`);
  return { challenge, id };
}

/** The instructions of a session, as a server gives them at a registration. */
export interface Instructions {
  session_identifier: string;
  refresh_url: string;
  scope: object;
  credentials: { type: string; name: string; attributes: string }[];
  allowed_refresh_initiators: string[];
}

/** A browser that binds its sessions to a device. It speaks to the server as Chromium does. */
export class Browser extends Client {
  readonly key: DeviceKey;
  instructions: Instructions | undefined;
  challenge: string | undefined;

  constructor(app: ConstructorParameters<typeof Client>[0], key: DeviceKey) {
    super(app);
    this.key = key;
  }

  static async open(app: ConstructorParameters<typeof Client>[0], alg?: Alg): Promise<Browser> {
    return new Browser(app, await DeviceKey.make(alg));
  }

  /** Loads a page, then registers if the response asks for it. */
  async login(path: string): Promise<Response> {
    const page = await this.fetch(path);
    const asked = registrationOf(page);
    assert(asked, "the response asks for no registration");
    const answer = await this.register(asked);
    assertEquals(answer.status, 200);
    return page;
  }

  /** Registers the key, without cookies, as after a redirect from another site. */
  async register({ path, challenge }: Registration): Promise<Response> {
    const answer = await this.post(path, {
      "secure-session-response": await this.key.register(challenge),
    });
    if (answer.status === 200) await this.#take(answer);
    return answer;
  }

  /** Proves the device as Chromium does: a refused challenge is answered by a second try with a new one. */
  async refresh(): Promise<Response> {
    const first = await this.prove(this.challenge);
    if (first.status !== 403) return first;
    this.challenge = challengeOf(first).challenge;
    await first.body?.cancel();
    return await this.prove(this.challenge);
  }

  /** Sends one proof of a challenge. */
  async prove(challenge: string | undefined): Promise<Response> {
    const { refresh_url, session_identifier } = this.instructions!;
    const answer = await this.post(refresh_url, {
      "sec-secure-session-id": session_identifier,
      ...(challenge === undefined ? {} : {
        "secure-session-response": await this.key.refresh(challenge),
      }),
    });
    if (answer.status === 200) await this.#take(answer);
    return answer;
  }

  /** Sends a POST request without cookies. */
  async post(path: string, headers: Record<string, string>): Promise<Response> {
    return await this.fetch(path, { method: "POST", headers: { cookie: "", ...headers } });
  }

  async #take(answer: Response): Promise<void> {
    this.challenge = challengeOf(answer).challenge;
    this.instructions = await answer.clone().json();
  }
}

/** Returns the payload of a part of a JWT, for tests that change it. */
export function decode(part: string): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(fromBase64Url(part)));
}
