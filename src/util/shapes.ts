import { isPromiseLike } from "./awaitable.ts";
import { hasMethods, isAsync, refuse, refuseRange } from "./option_errors.ts";
import { checkTable, type OptionTable, readOption, type Shape } from "./option_table.ts";

/** A function that is not declared `async`. */
export const SYNC_FUNCTION: Shape = kind("a synchronous function", "function");
/** A function, synchronous or asynchronous. */
export const FUNCTION: Shape = kind("a function", "function", "async function");
export const BOOLEAN: Shape = kind("a boolean", "boolean");
export const STRING: Shape = kind("a string", "string");
export const NUMBER: Shape = kind("a number", "number");
export const OBJECT: Shape = kind("an object", "object");

export const ARRAY: Shape = kind("an array", "array");

/** A time, which is read as milliseconds since the epoch. */
export const DATE: Shape = {
  text: "a valid Date",
  is: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  read: (value) => (value as Date).getTime(),
};

/** Any value but an asynchronous function. It is checked further elsewhere. */
export const NOT_ASYNC: Shape = { ...SYNC_FUNCTION, is: (value) => !isAsync(value) };

/** Any value. It is checked elsewhere. */
export const ANY: Shape = { text: "a value", is: () => true };

function kind(text: string, ...kinds: string[]): Shape {
  return { text, is: (value) => kinds.includes(kindOf(value)) };
}

function kindOf(value: unknown): string {
  if (isAsync(value)) return "async function";
  if (value === null || isPromiseLike(value)) return "";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Accepts one of these values. */
export function oneOf(...values: readonly unknown[]): Shape {
  return {
    text: values.map((value) => JSON.stringify(value)).join(" or "),
    is: (value) => values.includes(value),
  };
}

/** Accepts a text of a format. */
export function textLike(text: string, pattern: RegExp): Shape {
  return { text, is: (value) => typeof value === "string" && pattern.test(value) };
}

/** A shape that also checks values that are not members of options. */
type ReadShape = Shape & Required<Pick<Shape, "read">>;

/** Accepts a number in a range. */
export function inRange(range: string, includes: (value: number) => boolean): ReadShape {
  return {
    text: range,
    is: NUMBER.is,
    read(value, { name, action }) {
      if (includes(value as number)) return value;
      refuseRange(name, `${value}, ${range} is required`, { action });
    },
  };
}

/** Accepts a positive integer. */
export const COUNT: ReadShape = inRange(
  "a positive integer",
  (value) => Number.isSafeInteger(value) && value >= 1,
);

/** Accepts an object with these methods. */
export function methods(...names: readonly string[]): Shape {
  return {
    ...OBJECT,
    read(value, { name, action }) {
      const missing = names.find((method) => !hasMethods(value, method));
      if (missing) refuse(`${name}.${missing}`, "a function is required", { action });
      return value;
    },
  };
}

/**
 * Accepts an object with options of its own.
 *
 * @param instead Names that are not options there, and what to do instead.
 */
export function members(
  shapes: OptionTable["shapes"],
  instead?: Readonly<Record<string, string>>,
): Shape {
  return {
    ...OBJECT,
    read: (value, { name, action }) => checkTable({ action, within: name, shapes, instead }, value),
  };
}

/** Accepts an array of items. */
export function listOf(item: Shape): Shape {
  return {
    ...ARRAY,
    read: (value, { name, action }) =>
      (value as unknown[]).map((each, at) =>
        readOption(item, { name: `${name}[${at}]`, value: each ?? null, action })
      ),
  };
}

/** Accepts what one of the shapes accepts. */
export function either(...shapes: readonly Shape[]): Shape {
  return {
    text: shapes.map(({ text }) => text).join(" or "),
    is: (value) => shapes.some(({ is }) => is(value)),
    read: (value, option) => readOption(shapes.find(({ is }) => is(value))!, { ...option, value }),
  };
}

/** Accepts an object with options of its own; `true` stands for their defaults, `false` for no object. */
export function switchable(object: Shape): Shape {
  return {
    ...either(BOOLEAN, object),
    read: (value, option) =>
      value ? readOption(object, { ...option, value: value === true ? {} : value }) : undefined,
  };
}

/** Returns the shape of an option that must be given. */
export function required(shape: Shape): Shape {
  return { ...shape, isRequired: true };
}

/** Returns the shape of an option with a default. */
export function preset<Value>(shape: Shape, value: Value): Shape & { readonly preset: Value } {
  return { ...shape, preset: value };
}
