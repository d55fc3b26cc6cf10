import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  deadline,
  type ExpiryPolicy,
  isLive,
  isLiveFor,
  lastSeen,
  nextDeadline,
} from "../../src/record/expiry.ts";
import { isRenewalDue, renewedTimes } from "../../src/record/renewal.ts";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";

const clock = new FakeClock(1_000_000);

/** Requests whose client gets the cookies of the answer, may not get them, and gets none. */
const request = { cookieDelivery: "sure" } as const;
const unsure = { cookieDelivery: "doubtful" } as const;
const unreached = { cookieDelivery: "none" } as const;

function policy(changes: Partial<ExpiryPolicy> = {}): ExpiryPolicy {
  return {
    maxAge: 3600,
    absoluteMaxAge: undefined,
    rolling: false,
    onServer: false,
    persistent: true,
    ...changes,
  };
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

Deno.test("no renewal passes the end of the session from which one was adopted", () => {
  const endsAt = clock.now() + 120_000;
  const record = { ...makeRecord(clock), endsAt };
  assertEquals(deadline(policy(), record), endsAt);
  assertEquals(deadline(policy({ absoluteMaxAge: 90 }), record), clock.now() + 90_000);
  const rolling = policy({ rolling: { after: undefined }, onServer: true });
  assertEquals(renewedTimes(rolling, record, { now: clock.now() + 60_000 }).expiresAt, endsAt);
  assertEquals(isRenewalDue(rolling, record, { now: clock.now() + 60_000, request }), false);
  const next = { maxAge: undefined, record, now: clock.now() };
  assertEquals(nextDeadline(policy(), next), endsAt);
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
        const times = renewedTimes(policy({ absoluteMaxAge }), record, { now });
        assert(times.expiresAt <= record.createdAt + absoluteMaxAge * 1000);
        assert(times.lastSeenAt >= Math.min(record.lastSeenAt, now));
        record = { ...record, ...times };
      }
    }),
  );
});

Deno.test("seen() goes back neither by a clock that is a minute slow nor stays in a far future", () => {
  const record = makeRecord(clock, { lastSeenAt: clock.now() + 60_000 });
  assertEquals(lastSeen(record, clock.now()), clock.now() + 60_000);
  const broken = makeRecord(clock, { lastSeenAt: clock.now() + 60_001 });
  assertEquals(lastSeen(broken, clock.now()), clock.now());
});

Deno.test("isRenewalDue() waits for a tenth of the session's own lifetime", () => {
  const rolling = policy({ rolling: { after: undefined } });
  const record = makeRecord(clock);
  assert(!isRenewalDue(rolling, record, { request, now: clock.now() + 359_999 }));
  assert(isRenewalDue(rolling, record, { request, now: clock.now() + 360_000 }));
  const longer = { ...record, maxAge: 36_000, expiresAt: clock.now() + 36_000_000 };
  assert(!isRenewalDue(rolling, longer, { request, now: clock.now() + 360_000 }));
  assert(isRenewalDue(rolling, longer, { request, now: clock.now() + 3_600_000 }));
  const write = { request, now: clock.now() + 300_000, write: true };
  assert(isRenewalDue(rolling, record, write), "a write does not wait for the last minute");
  assert(!isRenewalDue(rolling, record, { ...write, now: clock.now() + 294_999 }));
  assert(
    !isRenewalDue(policy(), record, { request, now: clock.now() + 3_000_000 }),
    "not when it doesn't roll",
  );
});

Deno.test("isRenewalDue() leaves it to a later request while there is time, where the cookie may not arrive", () => {
  const throttles = [[3600], [3600, 60], [3600, 3000], [100, 50], [100, 90], [100, 99]] as const;
  for (const [maxAge, after] of throttles) {
    const rolling = policy({ maxAge, rolling: { after } });
    const record = makeRecord(clock);
    const { after: due = 360 } = { after };
    const last = clock.now() + (due + maxAge) * 500;
    assert(isRenewalDue(rolling, record, { request, now: clock.now() + due * 1000 }));
    assert(!isRenewalDue(rolling, record, { request: unsure, now: last - 1 }));
    assert(isRenewalDue(rolling, record, { request: unsure, now: last }));
    const next = { ...record, ...renewedTimes(rolling, record, { now: last, isSent: false }) };
    assert(deadline(rolling, next) > deadline(rolling, record), "it lives longer");
    assert(isRenewalDue(rolling, next, { request, now: last }), "the next request renews it again");
    assert(
      !isRenewalDue(rolling, next, { request: unsure, now: last }),
      "unless it is another one",
    );
    assert(
      !isRenewalDue(rolling, record, { request: unreached, now: last }),
      "the client holds it",
    );
    const onServer = { ...rolling, onServer: true };
    assert(isRenewalDue(onServer, record, { request: unreached, now: last }));
  }
});

Deno.test("isLiveFor() waits for a request that came in time where a later end is possible", () => {
  const absoluteMaxAge = 5000;
  const rolling = policy({ rolling: { after: undefined }, onServer: true, absoluteMaxAge });
  const record = {
    ...makeRecord(clock),
    ...renewedTimes(rolling, makeRecord(clock), { now: clock.now() }),
  };
  const end = deadline(rolling, record);
  assertEquals(end, clock.now() + 3_600_000, "others see it end as ever");
  assert(record.expiresAt > end, "the store keeps it for longer");
  assert(isLiveFor(rolling, record, { now: end + 1000, receivedAt: end - 1 }));
  assert(!isLiveFor(rolling, record, { now: end + 1000, receivedAt: end }));
  const over = record.createdAt + absoluteMaxAge * 1000;
  assert(
    !isLiveFor(rolling, record, { now: over, receivedAt: end - 1 }),
    "not beyond its absolute end",
  );
  assert(!isLiveFor({ ...rolling, rolling: false }, record, { now: end, receivedAt: end - 1 }));
});
