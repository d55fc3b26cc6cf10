import type { Awaitable, SessionRecord } from "@x/hono-session";
import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import { MessageSigner, TOKEN_PURPOSE } from "../../src/crypto/message_signature.ts";
import { fromReadable } from "../../stores/cookie/readable.ts";
import { FakeClock } from "../_support/clock.ts";
import { AUTHENTICATED_STORES, SECRET } from "../_support/cookie_stores.ts";
import { makeRecord } from "../_support/record.ts";
import { type Damage, damage, type FuzzTarget } from "./_fuzz.ts";

/** Opens a value: what it holds, as text, or nothing. */
type Open = (value: string) => Awaitable<string | undefined>;

interface Format {
  readonly open: Open;
  readonly genuine: readonly string[];
}

const clock = new FakeClock();
const records: SessionRecord[] = [
  makeRecord(clock),
  makeRecord(clock, { data: '{"name":"Ada","admin":false}', subject: "user:42", subjectAt: 1 }),
  makeRecord(clock, { data: JSON.stringify({ text: "ż".repeat(200) }), version: 300 }),
];

async function makeFormats(): Promise<Record<string, Format>> {
  const formats: Record<string, Format> = {};
  for (const [name, make] of Object.entries(AUTHENTICATED_STORES)) {
    const store = make({ clock: clock.now, memo: 0 });
    const genuine = await Promise.all(records.map((record) => store.create("", record)));
    formats[name] = {
      genuine: genuine as string[],
      open: async (value) => {
        const record = await store.read(value);
        return record && JSON.stringify(record);
      },
    };
  }
  const signer = new MessageSigner({ secret: SECRET, cookieName: "sid" });
  formats.MessageSigner = {
    genuine: await Promise.all(
      ["A", "b", "-"].map((one) => signer.sign(one.repeat(43), TOKEN_PURPOSE, undefined)),
    ),
    open: (value) => signer.verify(value, TOKEN_PURPOSE, undefined),
  };
  return formats;
}

const formats = await makeFormats();

/** Opens signed values, with a mistake in how the signature is looked at. */
function opener(isFine: (given: string, right: string) => boolean): Open {
  return async (value) => {
    const { genuine, open } = formats.SignedCookieStore!;
    const [version, id, payload = "", signature = ""] = value.split(".");
    const bytes = fromBase64Url(payload);
    const right = genuine.find((each) => each.startsWith(`${version}.${id}.${payload}.`));
    if (!bytes || !isFine(signature, right?.split(".")[3] ?? "")) return await open(value);
    const record = fromReadable(new TextDecoder().decode(bytes));
    return record && JSON.stringify(record);
  };
}

/** Mistakes that others have made. */
const PLANTED: Record<string, Open> = {
  "the signature is not looked at": opener(() => true),
  "the beginning of a signature will do": opener((given, right) =>
    given.length > 8 && right.startsWith(given.slice(0, 9))
  ),
  "the last bits of a signature don't matter": opener((given, right) =>
    right !== "" && given.slice(0, 42) === right.slice(0, 42)
  ),
  "a signature that is missing will do": opener((given) => given === ""),
};

/** What is at the end of a value is the most worth. */
const place = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.integer({ min: 1, max: 60 }).map((distance) => -distance),
);

const kinds = ["change", "insert", "delete", "cut", "repeat", "swap"] as const;
const anyDamage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom(...kinds),
  at: place,
  length: fc.integer({ min: 1, max: 50 }),
  text: fc.oneof(
    fc.constantFrom(..."ABCDEFwxyz0189-_.*=~ %+/\0"),
    fc.string({ maxLength: 4 }),
    fc.constant(toBase64Url(new TextEncoder().encode('{"admin":true}'))),
  ),
});

/** Puts the beginning of one value before the end of another. */
const splice = fc.record({
  from: fc.nat({ max: 2 }),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
});

export const sealedValues: FuzzTarget = {
  name: "sealed values",
  planted: Object.keys(PLANTED),
  property: (planted) =>
    fc.asyncProperty(
      planted === undefined
        ? fc.constantFrom(...Object.keys(formats))
        : fc.constant("SignedCookieStore"),
      fc.nat({ max: 2 }),
      fc.option(splice, { freq: 3, nil: undefined }),
      fc.array(anyDamage, { maxLength: 3 }),
      async (name, index, other, damages) => {
        const { genuine, open } = formats[name]!;
        let value = genuine[index]!;
        if (other) {
          const { from, at } = other;
          value = value.slice(0, at * value.length) + genuine[from]!.slice(at * value.length);
        }
        for (const each of damages) value = damage(value, each);
        const opened = await (planted === undefined ? open : PLANTED[planted]!)(value);
        assertEquals(opened !== undefined, genuine.includes(value), value);
      },
    ),
};
