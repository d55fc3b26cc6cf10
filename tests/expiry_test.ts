import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  cookieMaxAge,
  deadline,
  type ExpiryPolicy,
  isLive,
  isRenewalDue,
  renewed,
  seen,
} from "../src/expiry.ts";
import { FakeClock } from "./_clock.ts";
import { makeRecord } from "./_record.ts";

const clock = new FakeClock(1_000_000);

function policy(changes: Partial<ExpiryPolicy> = {}): ExpiryPolicy {
  return { maxAge: 3600, absoluteMaxAge: undefined, rolling: false, ...changes };
}

Deno.test("deadline() is the nearest of record, policy and absolute limit", () => {
  const record = makeRecord(clock);
  const end = clock.now() + 3_600_000;
  assertEquals(deadline(policy(), record), end);
  assertEquals(deadline(policy({ maxAge: 7200 }), record), end);
  assertEquals(deadline(policy({ maxAge: 60 }), record), clock.now() + 60_000);
  assertEquals(deadline(policy({ absoluteMaxAge: 90 }), record), clock.now() + 90_000);
  assertEquals(deadline(policy({ maxAge: 60 }), { ...record, maxAge: 120 }), clock.now() + 120_000);
});

Deno.test("isLive() ends at the deadline itself", () => {
  const record = makeRecord(clock);
  assert(isLive(policy(), record, record.expiresAt - 1));
  assert(!isLive(policy(), record, record.expiresAt));
});

Deno.test("renewed() never passes the absolute limit, whenever and how often it is called", () => {
  const step = fc.integer({ min: -60_000, max: 4_000_000 });
  fc.assert(
    fc.property(fc.array(step), fc.integer({ min: 1, max: 20_000 }), (steps, absoluteMaxAge) => {
      let record = makeRecord(clock);
      let now = clock.now();
      for (const milliseconds of steps) {
        now += milliseconds;
        const times = renewed(policy({ absoluteMaxAge }), record, now);
        assert(times.expiresAt <= record.createdAt + absoluteMaxAge * 1000);
        assert(times.lastSeenAt >= Math.min(record.lastSeenAt, now));
        record = { ...record, ...times };
      }
    }),
  );
});

Deno.test("seen() goes back neither by a clock that is a minute slow nor stays in a far future", () => {
  const record = makeRecord(clock, { lastSeenAt: clock.now() + 60_000 });
  assertEquals(seen(record, clock.now()), clock.now() + 60_000);
  const broken = makeRecord(clock, { lastSeenAt: clock.now() + 60_001 });
  assertEquals(seen(broken, clock.now()), clock.now());
});

Deno.test("isRenewalDue() waits for a tenth of the session's own lifetime", () => {
  const rolling = policy({ rolling: { after: undefined } });
  const record = makeRecord(clock);
  assert(!isRenewalDue(rolling, record, { now: clock.now() + 359_999 }));
  assert(isRenewalDue(rolling, record, { now: clock.now() + 360_000 }));
  const longer = { ...record, maxAge: 36_000, expiresAt: clock.now() + 36_000_000 };
  assert(!isRenewalDue(rolling, longer, { now: clock.now() + 360_000 }));
  assert(isRenewalDue(rolling, longer, { now: clock.now() + 3_600_000 }));
  const write = { now: clock.now() + 300_000, write: true };
  assert(isRenewalDue(rolling, record, write), "a write does not wait for the last minute");
  assert(!isRenewalDue(rolling, record, { ...write, now: clock.now() + 294_999 }));
  assert(
    !isRenewalDue(policy(), record, { now: clock.now() + 3_000_000 }),
    "not when it doesn't roll",
  );
});

Deno.test("cookieMaxAge() is whole seconds, rounded up, never negative, 400 days at most", () => {
  assertEquals(cookieMaxAge(1, 0), 1);
  assertEquals(cookieMaxAge(1000, 0), 1);
  assertEquals(cookieMaxAge(1001, 0), 2);
  assertEquals(cookieMaxAge(0, 5), 0);
  assertEquals(cookieMaxAge(1e15, 0), 34_560_000);
});
