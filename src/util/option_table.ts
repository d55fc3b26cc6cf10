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

/** What an option accepts. A `function` answers at once; `any` is checked elsewhere. */
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

/** Texts of a form. */
export interface Text {
  /** The name of the form. */
  readonly text: string;
  readonly pattern: RegExp;
}

/** Numbers of a range. */
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
  /** The one that can't be left out. */
  readonly required?: string;
}

/** The options of one thing. */
export interface OptionTable extends Purpose {
  /** The option that has these as its members, if it is not the thing itself. */
  readonly within?: string;
  /** Every option and what it accepts. */
  readonly shapes: Readonly<Record<string, readonly Shape[]>>;
  /** Names that are options elsewhere, and what to do instead. */
  readonly instead?: Readonly<Record<string, string>>;
  /** What is given in the place of the options. */
  readonly mistakes?: Mistakes;
}

/**
 * @throws {TypeError} When options are no object, or one of them is unknown or of the wrong kind.
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
 * @throws {TypeError} When a value is there and of none of the shapes.
 * @throws {RangeError} When it is a number out of range.
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

/** @throws {TypeError} When an object lacks something, or has what it should not. */
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

/** The kind of a value; `any` when no option accepts it by its kind. */
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

/** @throws {TypeError} When options are no plain object. */
function assertOptions({ action, mistakes = [] }: OptionTable, options: unknown): void {
  const instead = insteadOf(options, mistakes);
  if (instead !== undefined) {
    throw new TypeError(`Cannot ${action}: options are required, ${instead}`);
  }
  // A module is as good as an object.
  if (/^\[object (?:Object|Module)\]$/.test(Object.prototype.toString.call(options))) return;
  throw new TypeError(`Cannot ${action}: options are not an object`);
}

/** @throws {TypeError} Always: there is no option of that name. */
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

/** Whether one name is a slip of the pen for the other: at most two characters are other ones, missing or too many. */
function isSimilar(one: string, other: string): boolean {
  const [from, to] = [one.toLowerCase(), other.toLowerCase()];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, character] of [...from].entries()) {
    const next = [index + 1];
    for (let at = 0; at < to.length; at++) {
      const same = row[at]! + (to[at] === character ? 0 : 1);
      next.push(Math.min(same, next[at]! + 1, row[at + 1]! + 1));
    }
    row = next;
  }
  return row.at(-1)! <= Math.min(2, from.length / 3);
}
