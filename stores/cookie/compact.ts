import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import { isSessionRecord, type SessionRecord } from "../../src/record/record.ts";
import { Reader, Writer } from "./bytes.ts";
import { readDuration, writeDuration } from "./duration.ts";

// A compact binary form of a record: flags, 16 bytes of sid, 5 bytes of creation time (milliseconds since
// EPOCH), the lifetime, the members that the flags announce, then the data. A record that does not fit is
// stored as JSON.

const EPOCH = Date.UTC(2020, 0);
const LATEST = 2 ** 40;
/** Represents a creation time of 0, which traces of sessions have. */
const NEVER = LATEST - 1;
const SID_BYTES = 16;
const CREATED_BYTES = 5;

const VERSION = 1;
const SEEN = 2;
const RENEWED = 4;
const FLASH = 8;
const MAX_AGE = 16;
const BROWSER = 32;
const SUBJECT = 64;
/** Alone: JSON follows. Together with VERSION: a second byte of flags follows. */
const MORE = 128;
const SCOPE = 1 << 8;
const COOKIE = 1 << 9;
const META = 1 << 10;
/** The session was bound to its subject before it was created, which happens at the end of a request. */
const EARLIER = 1 << 11;
const TOKEN_EPOCH = 1 << 12;
const GENERATION = 1 << 13;
const COOKIE_NAME = 1 << 14;
/** The members that few records have, as JSON. */
const RARE = 1 << 15;

const RARE_KEYS = [
  "tokenAt",
  "predecessor",
  "trace",
  "successor",
  "graceUntil",
  "storeGeneration",
  "confirmed",
  "endsAt",
  "provider",
  "device",
] satisfies (keyof SessionRecord)[];

const rareKeys = new Set<string>(RARE_KEYS);

const usualKeys = new Set<string>([
  "format",
  "sid",
  "version",
  "cookieName",
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
  "epoch",
  "generation",
]);

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A record under construction. */
type Draft = { -readonly [Key in keyof SessionRecord]: SessionRecord[Key] };

/** Packs a record. The bytes are valid until another record is packed. */
export function packRecord(record: SessionRecord): Uint8Array<ArrayBuffer> {
  return packUsual(record) ?? packJson(record);
}

function packJson(record: SessionRecord): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.byte(MORE);
  writer.last(JSON.stringify(record));
  return writer.written;
}

/** Packs a record in the binary form; `undefined` when it does not fit. */
function packUsual(record: SessionRecord): Uint8Array<ArrayBuffer> | undefined {
  const { version, createdAt, renewedAt, maxAge = 0, subjectAt = createdAt } = record;
  const { scope, cookie, meta, flash, subject, data, epoch, generation, cookieName } = record;
  const sid = fromBase64Url(record.sid);
  const created = createdAt === 0 ? NEVER : createdAt - EPOCH;
  const seen = record.lastSeenAt - createdAt;
  const renewed = renewedAt - createdAt;
  const life = record.expiresAt - renewedAt;
  const bound = Math.abs(subjectAt - createdAt);
  if (sid?.length !== SID_BYTES || !isCount(created) || created > NEVER) return undefined;
  if (created === NEVER && createdAt !== 0) return undefined;
  if (!isCount(version) || !isCount(seen) || !isCount(renewed) || !isCount(life)) return undefined;
  if (!isCount(maxAge) || !isCount(bound) || !isCount(epoch ?? 0)) return undefined;
  if (!isCount(generation ?? 0) || record.browser === false) return undefined;
  if ((subject === undefined) !== (record.subjectAt === undefined)) return undefined;
  let hasRare = false;
  for (const key in record) {
    if (usualKeys.has(key)) continue;
    if (!rareKeys.has(key)) return undefined;
    hasRare = true;
  }

  const earlier = subjectAt < createdAt;
  const more = earlier || hasRare || cookieName !== undefined || scope !== undefined ||
    cookie !== undefined || meta !== undefined || epoch !== undefined || generation !== undefined;
  const flags = (version !== 1 || more ? VERSION : 0) |
    (seen !== 0 ? SEEN : 0) |
    (renewed !== 0 ? RENEWED : 0) |
    (flash !== undefined ? FLASH : 0) |
    (record.maxAge !== undefined ? MAX_AGE : 0) |
    (record.browser === true ? BROWSER : 0) |
    (subject !== undefined ? SUBJECT : 0) |
    (scope !== undefined ? SCOPE : 0) |
    (cookie !== undefined ? COOKIE : 0) |
    (meta !== undefined ? META : 0) |
    (earlier ? EARLIER : 0) |
    (epoch !== undefined ? TOKEN_EPOCH : 0) |
    (generation !== undefined ? GENERATION : 0) |
    (cookieName !== undefined ? COOKIE_NAME : 0) |
    (hasRare ? RARE : 0);
  const writer = new Writer();
  if (more) {
    writer.byte(flags & 255 | MORE);
    writer.byte(flags >> 8);
  } else {
    writer.byte(flags);
  }
  writer.bytes(sid);
  writer.fixed(created, CREATED_BYTES);
  writeDuration(writer, life);
  if (flags & VERSION) writer.number(version);
  if (flags & SEEN) writer.number(seen);
  if (flags & RENEWED) writer.number(renewed);
  if (flags & MAX_AGE) writer.number(maxAge);
  if (flags & SUBJECT) writer.number(bound);
  if (epoch !== undefined) writer.number(epoch);
  if (generation !== undefined) writer.number(generation);
  writer.textIfAny(subject);
  writer.textIfAny(flash);
  writer.textIfAny(scope);
  writer.textIfAny(cookie);
  writer.textIfAny(meta);
  writer.textIfAny(cookieName);
  if (hasRare) writer.text(JSON.stringify(record, RARE_KEYS));
  writer.last(data);
  return writer.written;
}

/** Unpacks a record; `undefined` when the bytes are invalid. */
export function unpackRecord(bytes: Uint8Array): SessionRecord | undefined {
  try {
    const record: unknown = bytes[0] === MORE
      ? JSON.parse(decoder.decode(bytes.subarray(1)))
      : unpackUsual(new Reader(bytes));
    return isSessionRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function unpackUsual(reader: Reader): Draft {
  const first = reader.byte();
  const flags = first & MORE ? first | reader.byte() << 8 : first;
  const sid = toBase64Url(reader.bytes(SID_BYTES));
  const created = reader.fixed(CREATED_BYTES);
  const createdAt = created === NEVER ? 0 : EPOCH + created;
  const life = readDuration(reader);
  const version = flags & VERSION ? reader.number() : 1;
  const lastSeenAt = flags & SEEN ? createdAt + reader.number() : createdAt;
  const renewedAt = flags & RENEWED ? createdAt + reader.number() : createdAt;
  const record: Draft = {
    format: 1,
    sid,
    version,
    createdAt,
    lastSeenAt,
    renewedAt,
    expiresAt: renewedAt + life,
    data: "",
  };
  if (flags & MAX_AGE) record.maxAge = reader.number();
  if (flags & SUBJECT) {
    const bound = reader.number();
    record.subjectAt = createdAt + (flags & EARLIER ? -bound : bound);
  }
  if (flags & TOKEN_EPOCH) record.epoch = reader.number();
  if (flags & GENERATION) record.generation = reader.number();
  if (flags & SUBJECT) record.subject = reader.text();
  if (flags & FLASH) record.flash = reader.text();
  if (flags & SCOPE) record.scope = reader.text();
  if (flags & COOKIE) record.cookie = reader.text();
  if (flags & META) record.meta = reader.text();
  if (flags & COOKIE_NAME) record.cookieName = reader.text();
  if (flags & RARE) Object.assign(record, JSON.parse(reader.text()));
  if (flags & BROWSER) record.browser = true;
  record.data = reader.last();
  return record;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < 2 ** 50;
}
