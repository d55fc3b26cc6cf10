import { isPromiseLike } from "./awaitable.ts";
import { insteadOf, isAsync, type Mistakes, type Purpose, refuse } from "./option_errors.ts";

/** A kind of value that an option accepts. A `function` answers at once; `any` is checked elsewhere. */
export type Shape = keyof typeof SHAPE_NAMES | "any";

const SHAPE_NAMES = {
  boolean: "a boolean",
  string: "a string",
  number: "a number",
  array: "an array",
  object: "an object",
  function: "a function that answers at once",
  "async function": "a function",
};

/** The options of one thing. */
export interface OptionTable extends Purpose {
  /** The option that has these as its members, if it is not the thing itself. */
  readonly within?: string;
  /** Every option and the kinds of value that it accepts. */
  readonly shapes: Readonly<Record<string, readonly Shape[]>>;
  /** Names that are options elsewhere, and what to do instead. */
  readonly instead?: Readonly<Record<string, string>>;
  /** What is given in the place of the options. */
  readonly mistakes?: Mistakes;
}

/** @throws {TypeError} When options are no object, or one of them is unknown or of the wrong kind. */
export function checkTable(table: OptionTable, options: unknown): void {
  const { within, shapes } = table;
  if (!within) assertOptions(table, options);
  for (const [name, value] of Object.entries(options as object)) {
    const path = within ? `${within}.${name}` : name;
    if (!Object.hasOwn(shapes, name)) refuseName(table, { name, path });
    checkShape(path, { value, shapes: shapes[name]! }, table);
  }
}

/** @throws {TypeError} When a value is there and of none of the kinds. */
export function checkShape(
  name: string,
  { value, shapes }: { value: unknown; shapes: readonly Shape[] },
  purpose?: Purpose,
): void {
  if (value === undefined || shapes.includes(shapeOf(value))) return;
  if (typeof value === "function" && !isAsync(value) && shapes.includes("async function")) return;
  if (shapes.includes("any") && !isAsync(value)) return;
  const named = shapes.filter((shape) => shape !== "any").map((shape) => SHAPE_NAMES[shape]);
  refuse(name, `${named.join(" or ") || SHAPE_NAMES.function} is required`, purpose);
}

function shapeOf(value: unknown): Shape {
  if (Array.isArray(value)) return "array";
  if (isAsync(value)) return "async function";
  const type = typeof value;
  return value !== null && !isPromiseLike(value) && type in SHAPE_NAMES ? type as Shape : "any";
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
  const [closest] = names.filter((each) => isSimilar(each, name));
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
