import { assertEquals } from "@std/assert";
import { missingMarks } from "../src/cache_headers.ts";

function after(headers: Record<string, string>, setsCookie = false): (string | null)[] {
  const all = new Headers(headers);
  const marks = missingMarks(all, { opens: setsCookie, vary: "Cookie" });
  for (const [name, value] of marks) all.set(name, value);
  assertEquals(missingMarks(all, { opens: setsCookie, vary: "Cookie" }), []);
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
