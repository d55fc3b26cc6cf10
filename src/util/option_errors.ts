import { isPromiseLike } from "./awaitable.ts";

/** The purpose of options, as error messages name it. */
export interface Purpose {
  /** The action that fails with invalid options, such as `"create MapStore"`. */
  readonly action: string;
}

/** Common mistakes, and what to do instead. */
export type Mistakes = readonly (readonly [is: (value: unknown) => boolean, instead: string])[];

/** The purpose of the options of `session()`. */
export const MIDDLEWARE: Purpose = { action: "build session middleware" };

/** The purpose of the options of `requireSession()`. */
export const GUARD: Purpose = { action: "build requireSession()" };

/** @throws {TypeError} Always: an option is invalid. */
export function refuse(name: string, state: string, { action }: Purpose = MIDDLEWARE): never {
  throw new TypeError(`Cannot ${action}: option ${name} is not valid: ${state}`);
}

/** @throws {RangeError} Always: an option is out of range. */
export function refuseRange(name: string, state: string, { action }: Purpose = MIDDLEWARE): never {
  throw new RangeError(`Cannot ${action}: option ${name} is ${state}`);
}

/** Returns what to do instead, if a value is a common mistake. */
export function insteadOf(value: unknown, mistakes: Mistakes): string | undefined {
  const instead = mistakes.find(([is]) => is(value))?.[1];
  return instead ?? (isPromiseLike(value) ? "it is a promise, await it" : undefined);
}

/** Returns the addition to an error after a function `(c) => …` of an option has failed without a `c`. */
export function withoutContext(c: unknown): string {
  return c === undefined ? " without a Hono context; pass { c } to the methods of sessions" : "";
}

/** Checks whether a value has all of the methods. */
export function hasMethods(value: unknown, ...names: string[]): boolean {
  return typeof value === "object" && value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === "function");
}

/** Checks whether a function is declared `async`. */
export function isAsync(value: unknown): boolean {
  return Object.prototype.toString.call(value) === "[object AsyncFunction]";
}
