import { fromBase64Url, toBase64Url } from "../../src/base64url.ts";
import { isSessionRecord, type SessionRecord } from "../../src/record.ts";

// A record as few bytes: a byte of flags, 16 bytes of sid, 5 bytes of creation (milliseconds since EPOCH), the
// lifetime, then what the flags announce, then the data to the end. What does not fit in is JSON.

const EPOCH = Date.UTC(2020, 0);
const LATEST = 2 ** 40;
const SID_BYTES = 16;

const VERSION = 1;
const SEEN = 2;
const RENEWED = 4;
const FLASH = 8;
const MAX_AGE = 16;
const BROWSER = 32;
const SUBJECT = 64;
const JSON_TEXT = 128;

const KEYS = new Set([
  "format",
  "sid",
  "version",
  "data",
  "flash",
  "createdAt",
  "lastSeenAt",
  "renewedAt",
  "expiresAt",
  "maxAge",
  "browser",
  "subject",
  "subjectAt",
]);

type Numbers = [number, number, number, number, number, number];

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The bytes of a record. */
export function packRecord(record: SessionRecord): Uint8Array<ArrayBuffer> {
  const sid = fromBase64Url(record.sid);
  const created = record.createdAt - EPOCH;
  const numbers = [
    record.version,
    record.lastSeenAt - record.createdAt,
    record.renewedAt - record.createdAt,
    record.expiresAt - record.renewedAt,
    record.maxAge ?? 0,
    (record.subjectAt ?? record.createdAt) - record.createdAt,
  ];
  const fits = sid?.length === SID_BYTES && isCount(created) && created < LATEST &&
    numbers.every(isCount) && record.browser !== false &&
    (record.subject === undefined) === (record.subjectAt === undefined) &&
    Object.keys(record).every((key) => KEYS.has(key));
  if (!fits) return Uint8Array.of(JSON_TEXT, ...encoder.encode(JSON.stringify(record)));

  const [version, seen, renewed, life, maxAge, bound] = numbers as Numbers;
  const flash = record.flash === undefined ? undefined : encoder.encode(record.flash);
  const bytes: number[] = [0, ...sid, ...fixed(created, 5)];
  // The lowest bit tells whether a lifetime is in seconds or milliseconds.
  push(bytes, life % 1000 === 0 ? life / 1000 * 2 : life * 2 + 1);
  const optional = (flag: number, present: boolean, ...values: number[]) => {
    if (!present) return;
    bytes[0]! |= flag;
    for (const value of values) push(bytes, value);
  };
  optional(VERSION, version !== 1, version);
  optional(SEEN, seen !== 0, seen);
  optional(RENEWED, renewed !== 0, renewed);
  optional(MAX_AGE, record.maxAge !== undefined, maxAge);
  optional(BROWSER, record.browser === true);
  const subject = encoder.encode(record.subject ?? "");
  optional(SUBJECT, record.subject !== undefined, bound, subject.length);
  bytes.push(...subject);
  optional(FLASH, flash !== undefined, flash?.length ?? 0);
  const data = encoder.encode(record.data);
  const packed = new Uint8Array(bytes.length + (flash?.length ?? 0) + data.length);
  packed.set(bytes);
  if (flash) packed.set(flash, bytes.length);
  packed.set(data, packed.length - data.length);
  return packed;
}

/** The record of some bytes; `undefined` when they hold none. */
export function unpackRecord(bytes: Uint8Array): SessionRecord | undefined {
  try {
    const flags = bytes[0]!;
    const record = flags === JSON_TEXT
      ? JSON.parse(decoder.decode(bytes.subarray(1)))
      : unpack(new Reader(bytes.subarray(1)), flags);
    return isSessionRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function unpack(reader: Reader, flags: number): SessionRecord {
  const sid = toBase64Url(reader.bytes(SID_BYTES));
  const createdAt = EPOCH + reader.bytes(5).reduce((sum, byte) => sum * 256 + byte, 0);
  const coded = reader.number();
  const life = coded % 2 ? (coded - 1) / 2 : coded / 2 * 1000;
  const optional = (flag: number, otherwise: number) => flags & flag ? reader.number() : otherwise;
  const version = optional(VERSION, 1);
  const lastSeenAt = createdAt + optional(SEEN, 0);
  const renewedAt = createdAt + optional(RENEWED, 0);
  const maxAge = optional(MAX_AGE, 0);
  const subjectAt = createdAt + optional(SUBJECT, 0);
  const subject = flags & SUBJECT ? decoder.decode(reader.bytes(reader.number())) : undefined;
  const flash = flags & FLASH ? decoder.decode(reader.bytes(reader.number())) : undefined;
  return {
    format: 1,
    sid,
    version,
    data: decoder.decode(reader.rest()),
    ...(flash === undefined ? {} : { flash }),
    createdAt,
    lastSeenAt,
    renewedAt,
    expiresAt: renewedAt + life,
    ...(flags & MAX_AGE ? { maxAge } : {}),
    ...(subject === undefined ? {} : { subject, subjectAt }),
    ...(flags & BROWSER ? { browser: true } : {}),
  };
}

class Reader {
  #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bytes(length: number): Uint8Array {
    if (length > this.#bytes.length) throw new RangeError("Cannot read record: it is too short");
    const bytes = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return bytes;
  }

  number(): number {
    let value = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = this.bytes(1)[0]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  rest(): Uint8Array {
    return this.#bytes;
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < 2 ** 50;
}

function fixed(value: number, length: number): number[] {
  return Array.from(
    { length },
    (_, index) => Math.floor(value / 256 ** (length - 1 - index)) % 256,
  );
}

/** Appends a number, seven bits a byte, the lowest first. */
function push(bytes: number[], value: number): void {
  while (value >= 128) {
    bytes.push(value % 128 + 128);
    value = Math.floor(value / 128);
  }
  bytes.push(value);
}
