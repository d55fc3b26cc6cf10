import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { CookieTemplate } from "../../src/http/cookie_attributes.ts";
import { CookieTransport } from "../../src/http/cookie_transport.ts";
import type { FuzzTarget } from "./_fuzz.ts";

type Find = (header: string, name: string) => readonly string[];

const NAMES = ["sid", "__Host-sid"];

const find: Find = (header, name) => {
  const transport = new CookieTransport({ cookie: new CookieTemplate({ name }), chunks: 1 });
  const headers = { get: () => header } as unknown as Headers;
  return transport.read(headers);
};

/** What is right, said in another way. */
const reference: Find = (header, name) => {
  const values = header.split(";")
    .map((pair) => /^[ \t]*([^=]*)=[ \t]*(.*?)[ \t]*$/s.exec(pair))
    .filter((match) => match !== null && match[1] === name)
    .map((match) => match![2]!.replace(/^"(.*)"$/s, "$1"))
    .map((value) => {
      try {
        return decodeURIComponent(value);
      } catch {
        return value;
      }
    });
  return [...new Set(values)].slice(0, 3);
};

/** Mistakes that others have made. */
const PLANTED: Record<string, Find> = {
  "Unicode spaces are trimmed": (header, name) =>
    reference(header.split(";").map((pair) => pair.trim()).join(";"), name),
  "nameless cookies have names": (header, name) =>
    reference(header.replaceAll(/(^|;)[ \t]*=/g, "$1"), name),
  "case does not matter": (header, name) =>
    reference(header.replaceAll(new RegExp(`${name}=`, "gi"), `${name}=`), name),
  "only the first of a name is seen": (header, name) => reference(header, name).slice(0, 1),
  "commas separate": (header, name) => reference(header.replaceAll(",", ";"), name),
  "quotes hide semicolons": (header, name) =>
    reference(header.replaceAll(/"[^"]*"/g, (text) => text.replaceAll(";", "")), name),
  "names are decoded": (header, name) => reference(header.replaceAll("%69", "i"), name),
  "what can't be decoded is an error": (header, name) => {
    decodeURIComponent(header);
    return find(header, name);
  },
};

const noise = fc.oneof(
  { arbitrary: fc.constant(""), weight: 6 },
  { arbitrary: fc.constantFrom(..."\u00a0\u2003\ufeff\v\f\0\r\n\t ,\"'\\%="), weight: 2 },
  { arbitrary: fc.string({ unit: "binary", maxLength: 3 }), weight: 1 },
);
const name = fc.oneof(
  { arbitrary: fc.constantFrom(...NAMES), weight: 4 },
  { arbitrary: fc.constantFrom("__HOST-sid", "Sid", "s%69d", "$Version", "", "a"), weight: 2 },
);
const value = fc.oneof(
  fc.constantFrom("a", "b", "A".repeat(43), "%20", "%zz", "%ff", "%00", "%e2%82%ac", '"', '"c"'),
  fc.string({ unit: "binary", maxLength: 5 }),
);
const pair = fc.tuple(noise, name, noise, fc.constantFrom("=", "=", "=", ""), noise, value, noise)
  .map((pieces) => pieces.join(""));
const header = fc.array(fc.tuple(pair, fc.constantFrom(";", "; ", "; ", ",")), { maxLength: 8 })
  .map((pairs) => pairs.flat().join(""));

export const cookieHeaders: FuzzTarget = {
  name: "cookie headers",
  planted: Object.keys(PLANTED),
  property: (planted) =>
    fc.asyncProperty(header, fc.constantFrom(...NAMES), (text, name) => {
      const found = (planted === undefined ? find : PLANTED[planted]!)(text, name);
      assertEquals(found, reference(text, name));
      return Promise.resolve();
    }),
};
