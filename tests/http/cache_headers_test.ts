import { assertEquals } from "@std/assert";
import { addMarks, missingMarks } from "../../src/http/cache_headers.ts";

function after(headers: Record<string, string>, setsCookie = false): (string | null)[] {
  const all = new Headers(headers);
  addMarks(all, missingMarks(all, { opens: setsCookie, vary: "Cookie" }));
  assertEquals(missingMarks(all, { opens: setsCookie, vary: "Cookie" }), undefined);
  return [all.get("vary"), all.get("cache-control")];
}

Deno.test("missingMarks() merges Vary whatever its case and spaces", () => {
  const cases: [string, string][] = [
    ["", "Cookie"],
    ["Accept-Encoding", "Accept-Encoding, Cookie"],
    ["Origin , accept", "Origin, accept, Cookie"],
    ["COOKIE", "COOKIE"],
    ["  cookie ,Origin", "cookie ,Origin"],
    ["*", "*"],
    ["Origin, *", "Origin, *"],
  ];
  for (const [vary, expected] of cases) assertEquals(after({ vary })[0], expected, vary);
});

Deno.test("missingMarks() takes what shared caches may keep out of Cache-Control", () => {
  const cases: [string, string][] = [
    ["", "private"],
    ["max-age=60", "max-age=60, private"],
    ["public, max-age=60", "max-age=60, private"],
    ["PUBLIC , S-MaxAge=10,max-age=60", "max-age=60, private"],
    ["s-maxage = 10", "private"],
    ["private, max-age=60", "private, max-age=60"],
    ["Private", "Private"],
    ["no-store", "no-store"],
    ['private="set-cookie, x-a", max-age=1', 'private="set-cookie, x-a", max-age=1, private'],
    ["private, public", "private"],
  ];
  for (const [control, expected] of cases) {
    assertEquals(after({ "cache-control": control })[1], expected, control);
  }
});

Deno.test("missingMarks() forbids storing a response with a session cookie", () => {
  for (const control of ["", "public, max-age=60, immutable", "no-cache", "s-maxage=1"]) {
    assertEquals(after({ "cache-control": control, vary: "Origin" }, true), [
      "Origin, Cookie",
      "no-store",
    ]);
  }
});

/** Fields that caches heed in the place of Cache-Control. */
const TARGETED = [
  "CDN-Cache-Control",
  "Cloudflare-CDN-Cache-Control",
  "Vercel-CDN-Cache-Control",
  "Netlify-CDN-Cache-Control",
  "Akamai-Cache-Control",
  "cdn-cache-control",
  "X-NEW-CDN-CACHE-CONTROL",
];

Deno.test("missingMarks() treats targeted fields like Cache-Control (RFC 9213)", () => {
  for (const name of TARGETED) {
    const cases: [string, string][] = [
      ["public", "private"],
      ["max-age=60", "max-age=60, private"],
      ["public, s-maxage=60, max-age=5", "max-age=5, private"],
      ["private", "private"],
      ["no-store", "no-store"],
    ];
    for (const [said, expected] of cases) {
      for (const opens of [false, true]) {
        const headers = new Headers({ [name]: said });
        addMarks(headers, missingMarks(headers, { opens, vary: "Cookie" }));
        assertEquals([...headers.keys()].length, 3);
        assertEquals(headers.get(name), opens ? "no-store" : expected, `${name}: ${said}`);
        assertEquals(headers.get("cache-control"), opens ? "no-store" : "private");
      }
    }
  }
});

Deno.test("missingMarks() forbids storing where a field knows no private", () => {
  const cases: [string, string, string][] = [
    ["Surrogate-Control", "max-age=60", "no-store"],
    ["Surrogate-Control", 'max-age=60, content="ESI/1.0"', 'content="ESI/1.0", no-store'],
    ["Fastly-Surrogate-Control", "public", "no-store"],
    ["Edge-Control", "cache-maxage=60m", "no-store"],
    ["X-Accel-Expires", "600", "0"],
    ["X-Accel-Expires", "0", "0"],
  ];
  for (const [name, said, expected] of cases) {
    for (const opens of [false, true]) {
      const headers = new Headers({ [name]: said });
      addMarks(headers, missingMarks(headers, { opens, vary: "Cookie" }));
      assertEquals(headers.get(name), expected, `${name}: ${said}`);
      assertEquals(missingMarks(headers, { opens, vary: "Cookie" }), undefined);
    }
  }
});

Deno.test("missingMarks() leaves fields alone that say nothing of caching", () => {
  const headers = new Headers({
    "access-control-allow-origin": "*",
    "x-cache-control-policy": "public",
    "x-dns-prefetch-control": "on",
    "content-type": "text/plain",
  });
  const before = [...headers.keys()];
  addMarks(headers, missingMarks(headers, { opens: true, vary: "Cookie" }));
  const added = [...headers.keys()].filter((name) => !before.includes(name));
  assertEquals(added.toSorted(), ["cache-control", "vary"]);
});
