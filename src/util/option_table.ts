import { isPromiseLike } from "./awaitable.ts";
import {
  hasMethods,
  insteadOf,
  isAsync,
  MIDDLEWARE,
  type Mistakes,
  type Purpose,
  refuse,
  refuseRange,
} from "./option_errors.ts";

/** The values that an option accepts. A `function` must be synchronous; `any` is checked elsewhere. */
export type Shape = keyof typeof KINDS | "any" | Literal | Text | Numbers | Methods | Members;

const KINDS = {
  boolean: "a boolean",
  string: "a string",
  number: "a number",
  array: "an array",
  object: "an object",
  function: "a function that answers at once",
  "async function": "a function",
};

/** One value, as JSON. */
type Literal = "false" | `"${string}"`;

/** Texts of a format. */
export interface Text {
  /** The name of the format. */
  readonly text: string;
  readonly pattern: RegExp;
}

/** Numbers in a range. */
export interface Numbers {
  /** The name of the range. */
  readonly range: string;
  readonly includes: (value: number) => boolean;
}

/** An object with methods. */
interface Methods {
  readonly methods: readonly string[];
}

/** An object that has options of its own. */
interface Members extends Pick<OptionTable, "shapes" | "instead"> {
  /** The option that is required. */
  readonly required?: string;
}

/** The options of one function or class. */
export interface OptionTable extends Purpose {
  /** The option that has these as its members, for nested options. */
  readonly within?: string;
  /** Every option and the values that it accepts. */
  readonly shapes: Readonly<Record<string, readonly Shape[]>>;
  /** Names that are not options here, and what to do instead. */
  readonly instead?: Readonly<Record<string, string>>;
  /** Common mistakes in place of the options. */
  readonly mistakes?: Mistakes;
}

/**
 * @throws {TypeError} When the options are not an object, or one of them is unknown or of the wrong kind.
 * @throws {RangeError} When a number is out of range.
 */
export function checkTable(table: OptionTable, options: unknown): void {
  const { within, shapes } = table;
  if (!within) assertOptions(table, options);
  for (const [name, value] of Object.entries(options as object)) {
    const path = within ? `${within}.${name}` : name;
    if (!Object.hasOwn(shapes, name)) refuseName(table, { name, path });
    checkShape(path, { value, shapes: shapes[name]! }, table);
  }
}

/**
 * @throws {TypeError} When a value is present but of none of the accepted shapes.
 * @throws {RangeError} When a number is out of range.
 */
export function checkShape(
  name: string,
  { value, shapes }: { value: unknown; shapes: readonly Shape[] },
  { action }: Purpose = MIDDLEWARE,
): void {
  if (value === undefined) return;
  for (const shape of shapes) {
    if (typeof shape === "string") {
      if (isOf(shape, value)) return;
    } else if ("pattern" in shape) {
      if (typeof value === "string" && shape.pattern.test(value)) return;
    } else if ("range" in shape) {
      if (typeof value !== "number") continue;
      if (shape.includes(value)) return;
      refuseRange(name, `${value}, ${shape.range} is required`, { action });
    } else if (kindOf(value) === "object") {
      return checkObject(name, { value: value as object, shape }, { action });
    }
  }
  const names = shapes.map(nameOf).filter((shape) => shape !== "any");
  refuse(name, `${names.join(" or ") || KINDS.function} is required`, { action });
}

/** @throws {TypeError} When an object lacks a member, or has an unknown one. */
function checkObject(
  name: string,
  { value, shape }: { value: object; shape: Methods | Members },
  { action }: Purpose,
): void {
  if ("methods" in shape) {
    const missing = shape.methods.find((method) => !hasMethods(value, method));
    if (missing) refuse(`${name}.${missing}`, "a function is required", { action });
    return;
  }
  const { required, ...table } = shape;
  checkTable({ action, within: name, ...table }, value);
  if (required && Reflect.get(value, required) === undefined) {
    refuse(`${name}.${required}`, "it is missing", { action });
  }
}

function isOf(shape: string, value: unknown): boolean {
  const kind = kindOf(value);
  if (kind === shape || shape === "any" && !isAsync(value)) return true;
  if (kind === "function") return shape === "async function";
  return (kind === "string" || kind === "boolean") && JSON.stringify(value) === shape;
}

/** Returns the kind of a value; `any` when no option accepts it by its kind. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (isAsync(value)) return "async function";
  const type = typeof value;
  return value !== null && !isPromiseLike(value) && type in KINDS ? type : "any";
}

function nameOf(shape: Shape): string {
  if (typeof shape === "string") {
    return Object.hasOwn(KINDS, shape) ? Reflect.get(KINDS, shape) : shape;
  }
  return "text" in shape ? shape.text : "range" in shape ? shape.range : KINDS.object;
}

/** @throws {TypeError} When the options are not a plain object. */
function assertOptions({ action, mistakes = [] }: OptionTable, options: unknown): void {
  const instead = insteadOf(options, mistakes);
  if (instead !== undefined) {
    throw new TypeError(`Cannot ${action}: options are required, ${instead}`);
  }
  // A module is accepted like an object.
  if (/^\[object (?:Object|Module)\]$/.test(Object.prototype.toString.call(options))) return;
  throw new TypeError(`Cannot ${action}: options are not an object`);
}

/** @throws {TypeError} Always: the option does not exist. */
function refuseName(
  { action, shapes, instead = {} }: OptionTable,
  { name, path }: { name: string; path: string },
): never {
  const names = Object.keys(shapes);
  const closest = names.find((each) => isSimilar(each, name));
  const wayOut = Object.hasOwn(instead, name)
    ? instead[name]
    : closest
    ? `do you mean ${closest}?`
    : `there are ${names.join(", ")}`;
  throw new TypeError(`Cannot ${action}: there is no option ${path}; ${wayOut}`);
}

/** Checks whether one name is a typo of the other: at most two characters are replaced, missing or added. */
function isSimilar(one: string, other: string): boolean {
  return isWithin(Math.min(2, one.length / 3), one.toLowerCase(), other.toLowerCase());
}

/** Checks whether so many changes of a character turn one text into the other. */
function isWithin(changes: number, one: string, other: string): boolean {
  if (one === other) return true;
  if (one[0] === other[0]) return isWithin(changes, one.slice(1), other.slice(1));
  return changes >= 1 &&
    [[1, 1], [1, 0], [0, 1]].some(([from, to]) =>
      isWithin(changes - 1, one.slice(from), other.slice(to))
    );
}
