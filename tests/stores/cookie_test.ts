import { SealedCookieStore } from "@x/hono-session/stores/cookie";
import { storeConformance } from "@x/hono-session/testing";
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SessionTooLargeError } from "@x/hono-session";
import { FakeClock } from "../_clock.ts";
import { makeRecord } from "../_record.ts";

const OLD = "an old secret of thirty-two characters or more";
const NEW = "a new secret of thirty-two characters or more";

storeConformance({
  name: "SealedCookieStore",
  capabilities: new SealedCookieStore({ secret: NEW }).capabilities,
  test: Deno.test,
  open: (clock) => ({ store: new SealedCookieStore({ secret: NEW, clock }) }),
});

Deno.test("SealedCookieStore opens what an older secret sealed and seals with the first", async () => {
  const clock = new FakeClock();
  const record = makeRecord(clock);
  const options = { clock: clock.now };
  const before = new SealedCookieStore({ secret: OLD, ...options });
  const during = new SealedCookieStore({ secret: [NEW, OLD], ...options });
  const after = new SealedCookieStore({ secret: NEW, ...options });
  const token = await before.create("", record);
  assertEquals(await during.read(token), record);
  assertEquals(await after.read(token), undefined);
  assertEquals(await after.read(await during.update(token, record)), record);
});

Deno.test("SealedCookieStore refuses what a browser would drop", async () => {
  const store = new SealedCookieStore({ secret: NEW });
  const data = JSON.stringify({ text: "x".repeat(4096) });
  const error = await assertRejects(
    () => store.create("", makeRecord(new FakeClock(), { data })),
    SessionTooLargeError,
    "at most",
  );
  assertEquals(error.size > error.limit, true);
});

Deno.test("SealedCookieStore refuses weak and missing secrets", () => {
  assertThrows(() => new SealedCookieStore({ secret: "short" }), RangeError, "5 characters");
  assertThrows(() => new SealedCookieStore({ secret: [NEW, "short"] }), RangeError, "5 characters");
  assertThrows(() => new SealedCookieStore({ secret: [] }), TypeError, "secret");
});
