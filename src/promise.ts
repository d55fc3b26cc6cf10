/**
 * A value now or later.
 *
 * @example Usage
 * ```ts
 * import type { Awaitable } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const answers: Awaitable<boolean>[] = [true, Promise.resolve(true)];
 * assertEquals(await Promise.all(answers), [true, true]);
 * ```
 */
export type Awaitable<Value> = Value | Promise<Value>;

/** Whether a value is still to come. */
export function isPromiseLike<Value>(
  value: Value | PromiseLike<Value>,
): value is PromiseLike<Value> {
  return typeof (value as PromiseLike<Value> | null | undefined)?.then === "function";
}

/** Goes on at once with a value and later with a promise: what is there need not be waited for. */
export function andThen<Value, Result>(
  value: Value | PromiseLike<Value>,
  next: (value: Value) => Awaitable<Result>,
): Awaitable<Result> {
  return isPromiseLike(value) ? Promise.resolve(value).then(next) : next(value);
}
