import { assert, assertEquals } from "@std/assert";
import { makeToken } from "../../src/crypto/token.ts";
import { CookieTemplate } from "../../src/http/cookie_attributes.ts";
import { CookieTransport } from "../../src/http/cookie_transport.ts";
import { readAs, setup } from "./_app.ts";

/** The values of the cookie `__Host-sid` in a header, which may hold what `Headers` would refuse. */
function find(header: unknown): readonly string[] {
  const cookie = new CookieTemplate({ name: "__Host-sid" });
  return new CookieTransport({ cookie, chunks: 1 })
    .read({ get: () => header } as unknown as Headers);
}

/** Everything that some `trim()` or `\s` takes for a space, and what else is invisible. */
const NO_SPACES = [
  ..."\0\v\f\r\n\x1c\x1f\x7f\x85\xa0\u1680\u180e\u2000\u2003\u200a\u200b\u2028\u2029\u202f\u205f",
  ..."\u3000\ufeff",
  "\r\n",
];

Deno.test("cookies: only a space and a tab are spaces (CVE-2026-39410, Cookie Chaos)", () => {
  for (const space of NO_SPACES) {
    const code = JSON.stringify(space);
    assertEquals(find(`${space}__Host-sid=evil`), [], `${code} before the name`);
    assertEquals(find(`a=b;${space}__Host-sid=evil`), [], `${code} after a semicolon`);
    assertEquals(find(`a=b; ${space} __Host-sid=evil`), [], `${code} among spaces`);
    assertEquals(find(`__Host-sid${space}=evil`), [], `${code} behind the name`);
    assertEquals(find(`a=b${space}__Host-sid=evil`), [], `${code} does not separate`);
    assertEquals(find(`__Host-sid=good${space}`), [`good${space}`], `${code} belongs to the value`);
    assertEquals(find(`__Host-sid=${space}good`), [`${space}good`], `${code} belongs to the value`);
  }
  assertEquals(find("a=b; \t __Host-sid= \tgood\t ;c=d"), ["good"]);
});

const HEADERS: Record<string, [header: string, values: string[]]> = {
  "nameless": ["=__Host-sid=evil", []],
  "nameless, behind another": ["a=b; =__Host-sid=evil", []],
  "nameless, with a space": ["a=b; = __Host-sid=evil", []],
  "no equals sign": ["__Host-sid", []],
  "an equals sign too far": ["__Host-sid =evil", []],
  "nothing": ["", []],
  "only separators": [";;; ; ;", []],
  "upper case": ["__HOST-sid=evil; __HOST-SID=evil; __Host-SID=evil", []],
  "lower case": ["__host-sid=evil", []],
  "a longer name": ["__Host-sid2=evil; x__Host-sid=evil; __Host-sid.1=evil", []],
  "a name in a value": ["a=__Host-sid=evil", []],
  "an encoded name": ["__Host-si%64=evil; %5f_Host-sid=evil", []],
  "a quoted name": ['"__Host-sid"=evil', []],
  "a comma": ["a=b,__Host-sid=evil, __Host-sid=evil", []],
  "$Version": ["$Version=1; __Host-sid=good; $Path=/; $Domain=a.test", ["good"]],
  "$Version with commas": ['$Version="1", __Host-sid=evil', []],
  "a quote that is not closed": ['a="b; __Host-sid=good', ["good"]],
  "quotes around pairs": ['a="b; __Host-sid=good; c=d"', ["good"]],
  "quoted": ['__Host-sid="good"', ["good"]],
  "quoted, with a semicolon": ['__Host-sid="go;od"', ['"go']],
  "quoted, with an escape": ['__Host-sid="go\\"od"', ['go\\"od']],
  "quoted twice": ['__Host-sid=""good""', ['"good"']],
  "one quote": ['__Host-sid="', ['"']],
  "empty": ["__Host-sid=", [""]],
  "percent-encoded": ["__Host-sid=%67ood%21", ["good!"]],
  "percent-encoded once": ["__Host-sid=%2567ood", ["%67ood"]],
  "a percent sign alone": ["__Host-sid=50%", ["50%"]],
  "percent and no hexadecimals": ["__Host-sid=%zz", ["%zz"]],
  "percent and no UTF-8": ["__Host-sid=%ff%c0%af", ["%ff%c0%af"]],
  "a NUL": ["__Host-sid=go\0od", ["go\0od"]],
  "a NUL that is encoded": ["__Host-sid=%00", ["\0"]],
  "a line that is injected": ["a=b;\r\n__Host-sid=evil\r\nset-cookie: c=d", []],
  "a line that is encoded": ["__Host-sid=a%0d%0aset-cookie:b", ["a\r\nset-cookie:b"]],
  "equals signs in the value": ["__Host-sid=a=b==", ["a=b=="]],
  "the same twice": ["__Host-sid=a; __Host-sid=a", ["a"]],
  "three": ["__Host-sid=a; __Host-sid=b; __Host-sid=c", ["a", "b", "c"]],
  "five": ["a; __Host-sid=1;__Host-sid=2;__Host-sid=3;__Host-sid=4;__Host-sid=5", ["1", "2", "3"]],
};

Deno.test("cookies: names are compared byte by byte, values are taken as they are (CVE-2023-23934)", () => {
  for (const [name, [header, values]] of Object.entries(HEADERS)) {
    assertEquals(find(header), values, name);
  }
});

Deno.test("cookies: the session is found among 500 pairs in 16 KB, wherever it is", async () => {
  const { app, client } = setup();
  await client.text("/login/Ada");
  const own = await client.cookie();
  const pairs = Array.from({ length: 499 }, (_, index) => `c${index}=${"x".repeat(25)}`);
  for (const place of [0, 250, 499]) {
    const header = pairs.toSpliced(place, 0, own).join("; ");
    assert(header.length > 15_000 && header.length < 16_384, `${header.length}`);
    assertEquals(await readAs(app, header), { name: "Ada" }, `place ${place}`);
  }
});

Deno.test("cookies: of duplicates at most 3 are tried, and the one that identifies a session wins", async () => {
  const { app, client, rejected, store } = setup();
  await client.text("/login/Ada");
  const own = await client.cookie();
  for (const [before, opens] of [[0, true], [1, true], [2, true], [3, false], [500, false]]) {
    const others = Array.from({ length: before as number }, () => `sid=${makeToken()}`);
    store.calls();
    rejected.length = 0;
    const header = [...others, own, `sid=${makeToken()}`].join("; ");
    assertEquals(await readAs(app, header), opens ? { name: "Ada" } : {}, `${before} before`);
    const tried = Math.min(3, (before as number) + 2);
    assertEquals(store.calls().length, tried, `${before} before`);
    assertEquals(rejected.length, opens ? tried - 1 : 3);
  }
  const same = Array(500).fill(`sid=${makeToken()}`);
  assertEquals(await readAs(app, [...same, own].join("; ")), { name: "Ada" }, "500 times the same");
});

Deno.test("cookies: of two that identify a session the newest one counts, and a logout ends both", async () => {
  const { app, client, clock, map } = setup();
  await client.text("/login/Ada");
  const ada = await client.cookie();
  clock.advance(1);
  const response = await app.request("/login/Eve");
  const eve = response.headers.getSetCookie()[0]!.split(";")[0]!;
  assertEquals(await readAs(app, `${eve}; ${ada}`), { name: "Eve" });
  assertEquals(await readAs(app, `${ada}; ${eve}`), { name: "Eve" });
  await app.request("/logout", { headers: { cookie: `${eve}; ${ada}` } });
  assertEquals([map.size, await readAs(app, `${eve}; ${ada}`)], [0, {}]);
});

/** A text that counts the characters that are looked at. */
function counted(text: string): { header: unknown; steps(): number } {
  let steps = 0;
  const header = new Proxy(new String(text), {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") {
        if (name !== "length") steps++;
        return member;
      }
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(member, text, args);
        if (name === "indexOf") {
          const from = Number(args[1] ?? 0);
          steps += ((result as number) < 0 ? text.length : result as number) - from + 1;
        } else if (name === "startsWith") {
          steps += String(args[0]).length;
        } else if (name === "charCodeAt") {
          steps++;
        } else {
          steps += typeof result === "string" ? result.length : text.length;
        }
        return result;
      };
    },
  });
  return { header, steps: () => steps };
}

Deno.test("cookies: a header is gone through once, whatever is in it (GHSA-q5pr-72pq-83v3)", () => {
  const patterns = {
    "separators": ";",
    "spaces": " ",
    "equals signs": "=",
    "quotes": '"',
    "almost the name": "__Host-si",
    "the name": "__Host-sid",
    "the name without a value": "__Host-sid=;",
    "the same pair": "__Host-sid=a; ",
    "spaces before pairs": "          a=b;",
    "percent signs": "%",
  };
  for (const [name, pattern] of Object.entries(patterns)) {
    for (const length of [1000, 8000, 64_000]) {
      for (const [before, after] of [["", ""], ["__Host-sid=", ""], ["", ";__Host-sid=x"]]) {
        const text = before + pattern.repeat(length / pattern.length) + after;
        const { header, steps } = counted(text);
        assertEquals(find(header), find(text), name);
        assert(steps() > 0 && steps() < 14 * text.length + 100, `${name}: ${steps()}/${length}`);
      }
    }
  }
});
