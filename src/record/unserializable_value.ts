import { SessionSerializationError } from "../errors.ts";
import { hasSymbols, isPlain, nameOfClass } from "./plain_object.ts";

/** The largest depth of nested values in a session. */
export const MAX_DEPTH = 200;

const TOO_DEEP = `is nested more than ${MAX_DEPTH} levels deep`;

const IDENTIFIER_REGEXP = /^[A-Za-z_$][\w$]*$/;

/** A value that would not survive JSON, and the keys on its path. */
export interface Problem {
  readonly state: string;
  readonly keys: (string | number)[];
}

/** Finds the reason why a value can't be serialized, if any. */
export function problemOf(value: unknown, depth: number): Problem | undefined {
  if (typeof value === "object") return value === null ? undefined : problemIn(value, depth);
  if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) {
    return undefined;
  }
  const isNamed = typeof value === "number" || value === undefined;
  return problem(isNamed ? `is ${value}` : `is a ${typeof value}`);
}

function problemIn(value: object, depth: number): Problem | undefined {
  if (depth === MAX_DEPTH) return problem(TOO_DEEP);
  if (!isPlain(value)) return problem(`is a ${nameOfClass(value) ?? "class instance"}`);
  if (hasSymbols(value)) return problem("has a symbol as key");
  return Array.isArray(value)
    ? problemInArray(value, depth + 1)
    : problemInMembers(value as Record<string, unknown>, depth + 1);
}

function problemInArray(array: unknown[], depth: number): Problem | undefined {
  // Not forEach, which skips holes.
  for (let index = 0; index < array.length; index++) {
    const problem = problemOf(array[index], depth);
    if (problem) return within(problem, index);
  }
  const more = Object.keys(array)[array.length];
  return more === undefined
    ? undefined
    : problem(`has the member ${JSON.stringify(more)} beside its items`);
}

function problemInMembers(values: Record<string, unknown>, depth: number): Problem | undefined {
  // Object.keys() would allocate a list.
  for (const key in values) {
    if (!Object.hasOwn(values, key)) continue;
    const member = values[key];
    const problem = member === undefined ? undefined : problemOf(member, depth);
    if (problem) return within(problem, key);
  }
  return undefined;
}

function problem(state: string): Problem {
  return { state, keys: [] };
}

function within(problem: Problem, key: string | number): Problem {
  problem.keys.unshift(key);
  return problem;
}

/** @throws {SessionSerializationError} Always. It names the path of the value. */
export function refuseProblem({ state, keys }: Problem, value: unknown, path: string): never {
  const cycle = state === TOO_DEEP ? cycleOn(keys, value) : undefined;
  const whole = (cycle ?? keys).reduce<string>(pathOf, path);
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
