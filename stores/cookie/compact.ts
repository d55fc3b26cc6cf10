import { fromBase64Url, toBase64Url } from "../../src/base64url.ts";
import { isSessionRecord, type SessionRecord } from "../../src/record.ts";
import { Reader, Writer } from "./bytes.ts";

// A record as few bytes: flags, 16 bytes of sid, 5 bytes of creation (milliseconds since EPOCH), the lifetime, then
// what the flags announce, then the data to the end. What does not fit in is JSON.

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
/** Alone: JSON follows. With others, VERSION among them: a second byte of flags follows. */
const MORE = 128;
const SCOPE = 1 << 8;
const COOKIE = 1 << 9;
const META = 1 << 10;
/** The session is its subject's since before it was created, which is at the end of a request. */
const EARLIER = 1 << 11;

const KEYS = new Set([
  "format",
  "sid",
  "version",
  "scope",
  "cookie",
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
  "meta",
]);

type Numbers = [number, number, number, number, number, number];

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The bytes of a record. */
export function packRecord(record: SessionRecord): Uint8Array<ArrayBuffer> {
  const sid = fromBase64Url(record.sid);
  const created = record.createdAt - EPOCH;
  const { scope, cookie, meta, flash, subject, subjectAt = record.createdAt } = record;
  const numbers = [
    record.version,
    record.lastSeenAt - record.createdAt,
    record.renewedAt - record.createdAt,
    record.expiresAt - record.renewedAt,
    record.maxAge ?? 0,
    Math.abs(subjectAt - record.createdAt),
  ];
  const fits = sid?.length === SID_BYTES && isCount(created) && created < LATEST &&
    numbers.every(isCount) && record.browser !== false &&
    (subject === undefined) === (record.subjectAt === undefined) &&
    Object.keys(record).every((key) => KEYS.has(key));
  const writer = new Writer();
  if (!fits) {
    writer.bytes(encoder.encode(JSON.stringify(record)));
    return writer.packed([MORE]);
  }

  const [version, seen, renewed, life, maxAge, bound] = numbers as Numbers;
  const earlier = subjectAt < record.createdAt;
  const more = earlier || scope !== undefined || cookie !== undefined || meta !== undefined;
  writer.bytes(sid);
  writer.bytes(fixed(created, 5));
  // The lowest bit tells whether a lifetime is in seconds or milliseconds.
  writer.number(life % 1000 === 0 ? life / 1000 * 2 : life * 2 + 1);
  let flags = 0;
  const optional = (flag: number, present: boolean, ...values: (number | string | undefined)[]) => {
    if (!present) return;
    flags |= flag;
    for (const value of values) {
      if (typeof value === "number") writer.number(value);
      else writer.text(value!);
    }
  };
  optional(VERSION, version !== 1 || more, version);
  optional(SEEN, seen !== 0, seen);
  optional(RENEWED, renewed !== 0, renewed);
  optional(MAX_AGE, record.maxAge !== undefined, maxAge);
  optional(BROWSER, record.browser === true);
  optional(SUBJECT, subject !== undefined, bound, subject);
  optional(EARLIER, earlier);
  optional(FLASH, flash !== undefined, flash);
  optional(SCOPE, scope !== undefined, scope);
  optional(COOKIE, cookie !== undefined, cookie);
  optional(META, meta !== undefined, meta);
  writer.bytes(encoder.encode(record.data));
  return writer.packed(more ? [flags & 255 | MORE, flags >> 8] : [flags]);
}

/** The record of some bytes; `undefined` when they hold none. */
export function unpackRecord(bytes: Uint8Array): SessionRecord | undefined {
  try {
    const record = bytes[0] === MORE
      ? JSON.parse(decoder.decode(bytes.subarray(1)))
      : unpack(new Reader(bytes));
    return isSessionRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function unpack(reader: Reader): SessionRecord {
  const first = reader.bytes(1)[0]!;
  const flags = first & MORE ? first | reader.bytes(1)[0]! << 8 : first;
  const sid = toBase64Url(reader.bytes(SID_BYTES));
  const createdAt = EPOCH + reader.bytes(5).reduce((sum, byte) => sum * 256 + byte, 0);
  const coded = reader.number();
  const life = coded % 2 ? (coded - 1) / 2 : coded / 2 * 1000;
  const number = (flag: number, otherwise: number) => flags & flag ? reader.number() : otherwise;
  const text = (flag: number) => flags & flag ? reader.text() : undefined;
  const version = number(VERSION, 1);
  const lastSeenAt = createdAt + number(SEEN, 0);
  const renewedAt = createdAt + number(RENEWED, 0);
  const maxAge = number(MAX_AGE, 0);
  const bound = number(SUBJECT, 0);
  const subject = text(SUBJECT);
  const flash = text(FLASH);
  const scope = text(SCOPE);
  const cookie = text(COOKIE);
  const meta = text(META);
  return {
    format: 1,
    sid,
    version,
    ...(scope === undefined ? {} : { scope }),
    ...(cookie === undefined ? {} : { cookie }),
    data: decoder.decode(reader.rest()),
    ...(flash === undefined ? {} : { flash }),
    createdAt,
    lastSeenAt,
    renewedAt,
    expiresAt: renewedAt + life,
    ...(flags & MAX_AGE ? { maxAge } : {}),
    ...(subject === undefined
      ? {}
      : { subject, subjectAt: createdAt + (flags & EARLIER ? -bound : bound) }),
    ...(meta === undefined ? {} : { meta }),
    ...(flags & BROWSER ? { browser: true } : {}),
  };
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
