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
): Awaitable<Result>;
/** The same, with what the next step is given beside the value, so that no closure is made where nothing is waited for. */
export function andThen<Value, Result, Given>(
  value: Value | PromiseLike<Value>,
  next: (value: Value, given: Given) => Awaitable<Result>,
  given: Given,
): Awaitable<Result>;
export function andThen<Value, Result, Given>(
  value: Value | PromiseLike<Value>,
  next: (value: Value, given: Given) => Awaitable<Result>,
  given?: Given,
): Awaitable<Result> {
  return isPromiseLike(value) ? later(value, next, given!) : next(value, given!);
}

function later<Value, Result, Given>(
  value: PromiseLike<Value>,
  next: (value: Value, given: Given) => Awaitable<Result>,
  given: Given,
): Promise<Result> {
  return Promise.resolve(value).then((value) => next(value, given));
}

/** Does something, and makes up for it when it fails, now or later. */
export function orElse<Value>(
  run: () => Awaitable<Value>,
  recover: (error: unknown) => Awaitable<Value>,
): Awaitable<Value> {
  try {
    const value = run();
    return isPromiseLike(value) ? Promise.resolve(value).catch(recover) : value;
  } catch (error) {
    return recover(error);
  }
}

/** A promise that becomes a plain value once it is fulfilled, so that nobody waits for it again. */
export class CachedPromise<Value> {
  #value: Awaitable<Value>;

  constructor(value: Awaitable<Value>) {
    this.#value = value;
    // Whoever asks for it gets the error.
    if (isPromiseLike(value)) value.then((value) => this.#value = value, () => {});
  }

  /** The value; `undefined` as long as it has not come. */
  get value(): Value | undefined {
    return isPromiseLike(this.#value) ? undefined : this.#value;
  }

  get(): Awaitable<Value> {
    return this.#value;
  }
}

/** All of several values. */
export function allOf<Value>(values: Awaitable<Value>[]): Awaitable<Value[]> {
  return values.some(isPromiseLike) ? Promise.all(values) : values as Value[];
}
