/** The purpose of options, as the errors of misuse name it. */
export interface Purpose {
  /** What can't be done with such options: `"create MapStore"`. */
  readonly action: string;
}

/** Values that are given by mistake, and what to do instead. */
export type Mistakes = readonly (readonly [is: (value: unknown) => boolean, instead: string])[];

/** What the options of `session()` are for. */
export const MIDDLEWARE: Purpose = { action: "build session middleware" };

/** @throws {TypeError} Always: an option is not what it should be. */
export function refuse(name: string, state: string, { action }: Purpose = MIDDLEWARE): never {
  throw new TypeError(`Cannot ${action}: option ${name} is not valid: ${state}`);
}

/** @throws {RangeError} Always: an option is not what it should be. */
export function refuseRange(name: string, state: string, { action }: Purpose = MIDDLEWARE): never {
  throw new RangeError(`Cannot ${action}: option ${name} is ${state}`);
}

/** What to do instead of giving a value, if it is one of some mistakes. */
export function insteadOf(value: unknown, mistakes: Mistakes): string | undefined {
  return mistakes.find(([is]) => is(value))?.[1];
}

/** Whether a value has methods of some names. */
export function hasMethods(value: unknown, ...names: string[]): boolean {
  return typeof value === "object" && value !== null &&
    names.every((name) => typeof Reflect.get(value, name) === "function");
}

/** Whether a function is declared `async`. */
export function isAsync(value: unknown): boolean {
  return Object.prototype.toString.call(value) === "[object AsyncFunction]";
}
