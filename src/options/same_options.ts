import type { MiddlewareConfig } from "../http/config.ts";
import { isPlainObject } from "../record/plain_object.ts";

/** Each configuration, and the last other one that is known to be equal. */
const same = new WeakMap<MiddlewareConfig, MiddlewareConfig>();

/**
 * Returns the names of the options in which a configuration differs from the one that already serves the
 * request. Equal configurations are compared only once.
 */
export function differencesOf(second: MiddlewareConfig, first: MiddlewareConfig): string[] {
  if (second === first || same.get(second) === first) return [];
  // The second middleware loads the session if the first has not.
  const lazy = first.lazy && second.lazy;
  const names = differencesIn("", { ...first.options, lazy }, second.options);
  if (names.length === 0) same.set(second, first);
  return names;
}

/** Returns the names of the differences of an option: those of its members, where both values have members. */
function differencesIn(name: string, one: unknown, other: unknown): string[] {
  if (Object.is(one, other)) return [];
  if (Array.isArray(one) && Array.isArray(other)) {
    const isSame = one.length === other.length &&
      one.every((each, at) => differencesIn(name, each, other[at]).length === 0);
    return isSame ? [] : [name];
  }
  if (!isPlainObject(one) || !isPlainObject(other)) return [name];
  const members = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...members].flatMap((member) => {
    const path = name ? `${name}.${member}` : member;
    return differencesIn(path, Reflect.get(one, member), Reflect.get(other, member));
  });
}
