import { SessionSerializationError } from "../errors.ts";
import { holdsItemsAlone, isArrayOfNoClass, isPlainObject, nameOfClass } from "./plain_object.ts";

/** The largest depth of nested values in a session. */
export const MAX_DEPTH = 200;

const TOO_DEEP = `is nested more than ${MAX_DEPTH} levels deep`;

const SYMBOL_KEY = "has a symbol as key";

const IDENTIFIER_REGEXP = /^[A-Za-z_$][\w$]*$/;

/** A value that would not survive JSON, and the keys on its path, the last one first. */
export interface Problem {
  readonly state: string;
  readonly keys: (string | number)[];
}

/** Finds the reason why a value can't be serialized, if any. */
export function problemOf(value: unknown, depth: number): Problem | undefined {
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

/** Finds the reason why the members of an object can't be serialized, if any. */
export function problemInMembers(
  values: Record<string, unknown>,
  depth: number,
): Problem | undefined {
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

/** @throws {SessionSerializationError} Always. It names the path of the value. */
export function refuseProblem({ state, keys }: Problem, value: unknown, path: string): never {
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
