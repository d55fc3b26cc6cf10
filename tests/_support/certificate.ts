const ALGORITHM = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
};

/** Tags of DER (ITU-T X.690). */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const NULL = 0x05;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const DNS_NAME = 0x82;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** Object identifiers, as DER holds them. */
const SHA256_WITH_RSA = Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b);
const COMMON_NAME = Uint8Array.of(0x55, 0x04, 0x03);
const SUBJECT_ALT_NAME = Uint8Array.of(0x55, 0x1d, 0x11);

type Bytes = Uint8Array<ArrayBuffer>;

/** A certificate for servers of tests, signed by itself. */
export interface TestCertificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** The SHA-256 of its public key in base64, by which Chromium can be told to trust it. */
  readonly keyHash: string;
}

/** Makes a certificate for the names of hosts (RFC 5280). */
export async function makeCertificate(names: readonly string[]): Promise<TestCertificate> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  const algorithm = der(SEQUENCE, der(OBJECT_ID, SHA256_WITH_RSA), der(NULL));
  const name = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, der(OBJECT_ID, COMMON_NAME), text(UTF8_STRING, "hono-session tests"))),
  );
  const altNames = der(SEQUENCE, ...names.map((host) => text(DNS_NAME, host)));
  const altName = der(
    SEQUENCE,
    der(OBJECT_ID, SUBJECT_ALT_NAME),
    der(OCTET_STRING, altNames),
  );
  const body = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Uint8Array.of(2))),
    der(INTEGER, Uint8Array.of(1)),
    algorithm,
    name,
    der(SEQUENCE, time(-86_400_000), time(86_400_000)),
    name,
    publicKey,
    der(EXTENSIONS, der(SEQUENCE, altName)),
  );
  const signature = await crypto.subtle.sign(ALGORITHM.name, keys.privateKey, body);
  const cert = der(SEQUENCE, body, algorithm, bits(new Uint8Array(signature)));
  return {
    cert: pem("CERTIFICATE", cert),
    key: pem("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", keys.privateKey)),
    keyHash: new Uint8Array(await crypto.subtle.digest("SHA-256", publicKey)).toBase64(),
  };
}

function der(tag: number, ...parts: Bytes[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const size = length < 0x80 ? [] : length < 0x100 ? [0x81] : [0x82, length >> 8];
  return new Uint8Array([tag, ...size, length & 0xff, ...parts.flatMap((part) => [...part])]);
}

function text(tag: number, value: string): Bytes {
  return der(tag, new TextEncoder().encode(value));
}

/** A time from now, in milliseconds. */
function time(fromNow: number): Bytes {
  const digits = new Date(Date.now() + fromNow).toISOString().replaceAll(/\D/g, "").slice(2, 14);
  return text(UTC_TIME, `${digits}Z`);
}

function bits(value: Bytes): Bytes {
  return der(BIT_STRING, Uint8Array.of(0), value);
}

function pem(label: string, bytes: Bytes | ArrayBuffer): string {
  const lines = new Uint8Array(bytes).toBase64().replaceAll(/.{64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
