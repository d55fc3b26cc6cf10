import { assertEquals } from "@std/assert";
import { cookieMaxAge } from "../../src/http/cookie_max_age.ts";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";

const expiry = {
  maxAge: 100_000_000,
  absoluteMaxAge: undefined,
  rolling: false,
  onServer: false,
  persistent: true,
} as const;

/** The Max-Age of a cookie whose session ends so many milliseconds from now. */
function maxAgeOf(left: number): number | undefined {
  const clock = new FakeClock(1_000_000);
  const now = clock.now();
  const record = { ...makeRecord(clock), renewedAt: now, expiresAt: now + left };
  return cookieMaxAge(record, { expiry, now });
}

Deno.test("cookieMaxAge() is whole seconds, rounded up, never negative, 400 days at most", () => {
  assertEquals(maxAgeOf(1), 1);
  assertEquals(maxAgeOf(1000), 1);
  assertEquals(maxAgeOf(1001), 2);
  assertEquals(maxAgeOf(-5), 0);
  assertEquals(maxAgeOf(60_000_000_000), 34_560_000);
});

Deno.test("cookieMaxAge() is undefined for a cookie that ends with the browser", () => {
  const clock = new FakeClock(1_000_000);
  const record = { ...makeRecord(clock), browser: true };
  assertEquals(cookieMaxAge(record, { expiry, now: clock.now() }), undefined);
});
