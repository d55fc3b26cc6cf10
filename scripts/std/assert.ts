// Stands in for @std/assert where JSR can't be reached, with as much of it as the tests use.
import { AssertionError, deepStrictEqual, notDeepStrictEqual } from "node:assert";

type ErrorClass<Thrown extends Error> = new (...args: never[]) => Thrown;

function fail(message: string): never {
  throw new AssertionError({ message });
}

export function assert(value: unknown, message = "Expected a truthy value"): asserts value {
  if (!value) fail(message);
}

export function assertEquals<Value>(actual: Value, expected: Value, message?: string): void {
  deepStrictEqual(actual, expected, message!);
}

export function assertNotEquals<Value>(actual: Value, expected: Value, message?: string): void {
  notDeepStrictEqual(actual, expected, message!);
}

export function assertExists<Value>(
  actual: Value,
  message = "Expected a value",
): asserts actual is NonNullable<Value> {
  if (actual === undefined || actual === null) fail(message);
}

export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  if (!actual.includes(expected)) fail(message ?? `Expected "${actual}" to include "${expected}"`);
}

export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  if (!expected.test(actual)) fail(message ?? `Expected "${actual}" to match ${expected}`);
}

function assertError<Thrown extends Error>(
  error: unknown,
  kind: ErrorClass<Thrown>,
  includes: string,
): asserts error is Thrown {
  if (!(error instanceof kind)) fail(`Expected a ${kind.name}, got ${error}`);
  assertStringIncludes(error.message, includes);
}

export function assertThrows<Thrown extends Error = Error>(
  run: () => unknown,
  kind: ErrorClass<Thrown> = Error as unknown as ErrorClass<Thrown>,
  includes = "",
): Thrown {
  try {
    run();
  } catch (error) {
    assertError(error, kind, includes);
    return error;
  }
  return fail("Expected the function to throw");
}

export async function assertRejects<Thrown extends Error = Error>(
  run: () => PromiseLike<unknown>,
  kind: ErrorClass<Thrown> = Error as unknown as ErrorClass<Thrown>,
  includes = "",
): Promise<Thrown> {
  try {
    await run();
  } catch (error) {
    assertError(error, kind, includes);
    return error;
  }
  return fail("Expected the promise to be rejected");
}
