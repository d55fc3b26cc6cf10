import { insteadOf, type Mistakes, type Purpose, refuse } from "./option_errors.ts";
import { definedOf } from "./property.ts";

/** The values that an option accepts. */
export interface Shape {
  /** The name of the values, for messages. */
  readonly text: string;
  /** Checks whether a value is of the right kind. */
  readonly is: (value: unknown) => boolean;
  /** Checks a value of the right kind further, and returns the value that is used. */
  readonly read?: (value: unknown, option: Named) => unknown;
  readonly isRequired?: boolean;
}

/** The values that an option accepts, and its default. */
export interface Preset<Value> extends Shape {
  /** The value of an absent option. */
  readonly preset?: Value;
}

/** The name of an option, and the purpose of all of them. */
export interface Named extends Purpose {
  readonly name: string;
}

/** The options of one function or class. */
export interface OptionTable extends Purpose {
  /** The option that has these as its members, for nested options. */
  readonly within?: string;
  /** Every option and the values that it accepts. */
  readonly shapes: Readonly<Record<string, Preset<unknown>>>;
  /** Names that are not options here, and what to do instead. */
  readonly instead?: Readonly<Record<string, string>> | undefined;
  /** Common mistakes in place of the options. */
  readonly mistakes?: Mistakes;
}

/**
 * Checks options, and returns a copy with defaults. Options that are inherited are ignored.
 *
 * @throws {TypeError} When the options are not an object, or one of them is missing, unknown or of the wrong kind.
 * @throws {RangeError} When a number is out of range.
 */
export function checkTable<Options extends object>(table: OptionTable, given: unknown): Options {
  const { action, within, shapes } = table;
  if (!within) assertOptions(table, given);
  const options: Record<string, unknown> = { __proto__: null, ...given as object };
  const prefix = within ? `${within}.` : "";
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(shapes, name)) refuseName(table, { name, prefix });
  }
  const read = Object.entries(shapes).map(([name, shape]) => [
    name,
    readOption(shape, { name: prefix + name, value: options[name], action }),
  ]);
  return definedOf(Object.fromEntries(read));
}

/**
 * Returns the value of an option, or its default.
 *
 * @throws {TypeError} When the value is missing or of the wrong kind.
 * @throws {RangeError} When a number is out of range.
 */
export function readOption(
  { text, is, read, isRequired, preset }: Preset<unknown>,
  { name, value = preset, action }: Named & { readonly value: unknown },
): unknown {
  if (value === undefined) return isRequired && refuse(name, "it is missing", { action });
  if (!is(value)) refuse(name, `${text} is required`, { action });
  return read ? read(value, { name, action }) : value;
}

/** @throws {TypeError} When the options are not a plain object. */
function assertOptions({ action, mistakes = [] }: OptionTable, options: unknown): void {
  const instead = insteadOf(options, mistakes);
  // A module is accepted like an object.
  const isObject = /^\[object (?:Object|Module)\]$/.test(Object.prototype.toString.call(options));
  if (isObject && !instead) return;
  const state = instead ? `required, ${instead}` : "not an object";
  throw new TypeError(`Cannot ${action}: options are ${state}`);
}

/** @throws {TypeError} Always: the option does not exist. */
function refuseName(
  { action, shapes, instead = {} }: OptionTable,
  { name, prefix }: { name: string; prefix: string },
): never {
  const names = Object.keys(shapes);
  const closest = names.find((each) => isSimilar(each, name));
  const wayOut = Object.hasOwn(instead, name)
    ? instead[name]
    : closest
    ? `do you mean ${closest}?`
    : `there are ${names.join(", ")}`;
  throw new TypeError(`Cannot ${action}: there is no option ${prefix}${name}; ${wayOut}`);
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
