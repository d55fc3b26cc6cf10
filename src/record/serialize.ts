import { SessionSerializationError } from "../errors.ts";
import { parseObject } from "./record.ts";

/** The largest depth of nested values in a session. */
export const MAX_DEPTH = 200;

const TOO_DEEP = `is nested more than ${MAX_DEPTH} levels deep`;

const SYMBOL_KEY = "has a symbol as key";

const IDENTIFIER_REGEXP = /^[A-Za-z_$][\w$]*$/;

/** Numbers that may be too large, with and without an exponent. */
const EXPONENT_REGEXP = /\d[eE]\+?\d{3}/;
const DIGITS_REGEXP = /\d{309}/;

/**
 * Parses the JSON text of a session's object.
 *
 * @throws {SyntaxError} When the text is not the JSON of an object, or of an object that no session can hold.
 */
export function parseHeld(text: string): Record<string, unknown> {
  const object = parseObject(text);
  if (isSuspect(text) && problemInMembers(object, 0)) {
    throw new SyntaxError("Cannot parse session: its data are more than a session can hold");
  }
  return object;
}

/**
 * Checks whether a JSON text may contain a number that is too large, or be nested too deep. It is much faster
 * than checking all values.
 */
function isSuspect(text: string): boolean {
  if (EXPONENT_REGEXP.test(text)) return true;
  if (text.length <= MAX_DEPTH) return false;
  return DIGITS_REGEXP.test(text) || count(text, "{") + count(text, "[") > MAX_DEPTH + 1;
}

function count(text: string, character: string): number {
  let found = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) found++;
  return found;
}

/**
 * Serializes a value of a session.
 *
 * @throws {SessionSerializationError} When a value would not survive JSON.
 */
export function serializeValue(value: unknown, path: string): string {
  const problem = problemOf(value, 0);
  if (problem) refuseProblem(problem, value, path);
  return JSON.stringify(value);
}

/**
 * Serializes an object of session values.
 *
 * @throws {SessionSerializationError} When a value would not survive JSON.
 */
export function serializeMembers(values: Record<string, unknown>, path: string): string {
  const problem = problemInMembers(values, 0);
  if (problem) refuseProblem(problem, values, path);
  return JSON.stringify(values);
}

function refuseProblem({ state, keys }: Problem, value: unknown, path: string): never {
  const way = [...keys].reverse();
  const cycle = state === TOO_DEEP ? cycleOn(way, value) : undefined;
  const whole = (cycle ?? way).reduce<string>(pathOf, path);
  throw new SessionSerializationError(
    `Cannot serialize session: ${whole} ${cycle ? "is a cycle" : state}`,
  );
}

/** Returns the path to the first object that occurs twice on a path, if there is a cycle. */
function cycleOn(way: (string | number)[], value: unknown): (string | number)[] | undefined {
  const passed = new Set([value]);
  for (const [at, key] of way.entries()) {
    value = (value as Record<string | number, unknown>)[key];
    if (passed.has(value)) return way.slice(0, at + 1);
    passed.add(value);
  }
  return undefined;
}

/** Returns the path of a key within a path, as written in code. */
export function pathOf(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  return IDENTIFIER_REGEXP.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

/** Checks whether a value is a plain object. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ||
    Object.getPrototypeOf(prototype) === null;
}

/** Checks whether an array is a plain array of any realm. */
function isArrayOfNoClass(array: unknown[]): boolean {
  return Array.isArray(Object.getPrototypeOf(array));
}

/** Checks whether an array is plain and has no properties but its items. */
export function holdsItemsAlone(array: unknown[]): boolean {
  return isArrayOfNoClass(array) && Object.keys(array).length === array.length &&
    Object.getOwnPropertySymbols(array).length === 0;
}

/** Returns the name of an object's class, if any. */
export function nameOfClass(value: object): string | undefined {
  return Object.getPrototypeOf(value)?.constructor?.name || undefined;
}

/** A value that would not survive JSON, and the keys on its path, the last one first. */
interface Problem {
  readonly state: string;
  readonly keys: (string | number)[];
}

function problemOf(value: unknown, depth: number): Problem | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : { state: `is ${value}`, keys: [] };
    case "object":
      return value === null ? undefined : problemIn(value, depth);
    case "undefined":
      return { state: "is undefined", keys: [] };
    default:
      return { state: `is a ${typeof value}`, keys: [] };
  }
}

function problemIn(value: object, depth: number): Problem | undefined {
  if (depth === MAX_DEPTH) return { state: TOO_DEEP, keys: [] };
  if (Array.isArray(value)) return problemInArray(value, depth + 1);
  if (!isPlainObject(value)) {
    return { state: `is a ${nameOfClass(value) ?? "class instance"}`, keys: [] };
  }
  return problemInMembers(value as Record<string, unknown>, depth + 1);
}

function problemInArray(value: unknown[], depth: number): Problem | undefined {
  // Not forEach, which skips holes.
  for (let index = 0; index < value.length; index++) {
    const problem = problemOf(value[index], depth);
    if (problem) return within(problem, index);
  }
  return holdsItemsAlone(value) ? undefined : { state: stateOfMore(value), keys: [] };
}

/** Describes an array that has more than its items. */
function stateOfMore(array: unknown[]): string {
  const key = Object.keys(array)[array.length];
  if (key !== undefined) return `has the member ${JSON.stringify(key)} beside its items`;
  return isArrayOfNoClass(array) ? SYMBOL_KEY : `is a ${nameOfClass(array) ?? "class instance"}`;
}

function problemInMembers(values: Record<string, unknown>, depth: number): Problem | undefined {
  if (Object.getOwnPropertySymbols(values).length > 0) {
    return { state: SYMBOL_KEY, keys: [] };
  }
  // Object.keys() would allocate a list.
  for (const key in values) {
    if (!Object.hasOwn(values, key)) continue;
    const member = values[key];
    const problem = member === undefined ? undefined : problemOf(member, depth);
    if (problem) return within(problem, key);
  }
  return undefined;
}

function within(problem: Problem, key: string | number): Problem {
  problem.keys.push(key);
  return problem;
}
