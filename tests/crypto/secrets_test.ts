import { assertEquals, assertThrows } from "@std/assert";
import { PerSecret } from "../../src/crypto/secrets.ts";

const secretOf = (number: number) => `a secret of thirty-two characters or more: ${number}`;

Deno.test("PerSecret makes once what it makes of the same secrets", () => {
  let made = 0;
  const keys = new PerSecret((c) => secretOf(c as number), () => ({ made: ++made }), {
    action: "test",
  });
  assertEquals([keys.get(1), keys.get(2), keys.get(1)].map(({ made }) => made), [1, 2, 1]);
});

Deno.test("PerSecret does not keep what it makes of any number of secrets", () => {
  let made = 0;
  const keys = new PerSecret((c) => secretOf(c as number), () => ({ made: ++made }), {
    action: "test",
  });
  for (let number = 0; number < 100; number++) keys.get(number);
  keys.get(0);
  assertEquals(made, 101);
});

Deno.test("PerSecret checks fixed secrets at once and others when they are known", () => {
  assertThrows(
    () => new PerSecret("short", () => ({}), { action: "test" }),
    RangeError,
    "Cannot test",
  );
  const keys = new PerSecret(() => "short", () => ({}), { action: "test" });
  assertThrows(() => keys.get(undefined), RangeError, "5 characters");
  const none = new PerSecret(() => undefined as never, () => ({}), { action: "test" });
  assertThrows(() => none.get(undefined), TypeError, "neither a string");
});
