/**
 * A value or a promise of it.
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

/** Checks whether a value is a promise. */
export function isPromiseLike<Value>(
  value: Value | PromiseLike<Value>,
): value is PromiseLike<Value> {
  return typeof (value as PromiseLike<Value> | null | undefined)?.then === "function";
}

/** Continues synchronously with a value and later with a promise, so that values cost no await. */
export function andThen<Value, Result>(
  value: Value | PromiseLike<Value>,
  next: (value: Value) => Awaitable<Result>,
): Awaitable<Result>;
/** Does the same with an argument for the next step, so that no closure is needed when nothing is awaited. */
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

/** Runs a function and handles its failure, whether it throws or rejects. */
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

/** A promise that becomes a plain value once it is fulfilled, so that later uses need no await. */
export class CachedPromise<Value> {
  #value: Awaitable<Value>;

  /** @param read Returns the value. If it throws, the promise is rejected. */
  constructor(read: () => Awaitable<Value>) {
    const value = orElse<Value>(read, (error) => Promise.reject(error));
    this.#value = value;
    // Callers of the promise get the error.
    if (isPromiseLike(value)) value.then((value) => this.#value = value, () => {});
  }

  /** The value; `undefined` while the promise is pending. */
  get value(): Value | undefined {
    return isPromiseLike(this.#value) ? undefined : this.#value;
  }

  get(): Awaitable<Value> {
    return this.#value;
  }
}

/** Resolves several values, synchronously if none is a promise. */
export function allOf<Value>(values: Awaitable<Value>[]): Awaitable<Value[]> {
  return values.some(isPromiseLike) ? Promise.all(values) : values as Value[];
}
