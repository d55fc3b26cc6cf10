import type { SessionRecord } from "@x/hono-session";
import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import { isSessionRecord } from "../../src/record/record.ts";
import { packRecord, unpackRecord } from "../../stores/cookie/compact.ts";
import { fromReadable, toReadable } from "../../stores/cookie/readable.ts";
import { type Damage, damage, type FuzzTarget } from "./_fuzz.ts";

interface Codec {
  readonly pack: (record: SessionRecord) => string;
  readonly unpack: (text: string) => unknown;
}

const toText = (bytes: Uint8Array) => String.fromCharCode(...bytes);
const toBytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

const CODECS: Record<string, Codec> = {
  bytes: {
    pack: (record) => toText(packRecord(record)),
    unpack: (text) => unpackRecord(toBytes(text)),
  },
  text: { pack: toReadable, unpack: fromReadable },
};

const { bytes } = CODECS as { bytes: Codec };

/** Mistakes in reading or writing. */
const PLANTED: Record<string, Codec> = {
  "what is read is not checked": {
    ...bytes,
    unpack: (text) => text.charCodeAt(0) === 128 ? JSON.parse(text.slice(1)) : bytes.unpack(text),
  },
  "what is too short is an error": {
    ...bytes,
    unpack: (text) => {
      assert(text.length > 20, "too short");
      return bytes.unpack(text);
    },
  },
  "a member is lost": {
    ...bytes,
    pack: ({ meta: _, ...record }) => bytes.pack(record),
  },
  "large numbers are cut": {
    ...bytes,
    unpack: (text) => {
      const record = bytes.unpack(text) as SessionRecord | undefined;
      return record && { ...record, version: record.version | 0 };
    },
  },
};

const time = fc.oneof(
  fc.integer({ min: 1.5e12, max: 3e12 }),
  fc.integer({ min: -8.64e15, max: 8.64e15 }),
);
const text = fc.string({ unit: "grapheme", maxLength: 20 });
const object = fc.dictionary(text, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 })
  .map((value) => JSON.stringify(value));

const anyRecord: fc.Arbitrary<SessionRecord> = fc.record({
  format: fc.constant(1),
  sid: fc.oneof(
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((each) =>
      btoa(toText(each)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
    ),
    text,
  ),
  version: fc.oneof(fc.nat(300), fc.maxSafeInteger()),
  data: object,
  createdAt: time,
  lastSeenAt: time,
  renewedAt: time,
  expiresAt: time,
  flash: object,
  maxAge: fc.oneof(fc.nat(), fc.double({ min: 0.1, max: 1e9, noNaN: true })),
  browser: fc.boolean(),
  scope: text,
  cookie: text,
  meta: text,
  confirmed: fc.oneof(text, object),
  subject: text,
  subjectAt: time,
  generation: fc.oneof(fc.nat(), fc.maxSafeInteger()),
}, {
  requiredKeys: [
    "format",
    "sid",
    "version",
    "data",
    "createdAt",
    "lastSeenAt",
    "renewedAt",
    "expiresAt",
  ],
}).map((record) => JSON.parse(JSON.stringify(record)));

const anyDamage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom("change", "insert", "delete", "cut", "repeat", "swap"),
  at: fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: -30, max: -1 }),
    fc.constantFrom(0, 0.02),
  ),
  length: fc.integer({ min: 1, max: 9 }),
  text: fc.oneof(
    fc.constantFrom(...'\0\x01\x7f\x80\xff{}[]":,0-e', '{"format":1}', "null"),
    fc.uint8Array({ maxLength: 4 }).map(toText),
  ),
});

export const recordBytes: FuzzTarget = {
  name: "record bytes",
  planted: Object.keys(PLANTED),
  property: (planted) =>
    fc.asyncProperty(
      planted === undefined ? fc.constantFrom(...Object.keys(CODECS)) : fc.constant("bytes"),
      anyRecord,
      fc.array(anyDamage, { maxLength: 3 }),
      (name, record, damages) => {
        const { pack, unpack } = planted === undefined ? CODECS[name]! : PLANTED[planted]!;
        const packed = pack(record);
        assertEquals(unpack(packed), record);
        const opened = unpack(damages.reduce(damage, packed));
        if (opened !== undefined) {
          assert(isSessionRecord(opened), "no record");
          assertEquals(unpack(pack(opened)), opened);
        }
        return Promise.resolve();
      },
    ),
};
