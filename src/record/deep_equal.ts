import { hasSymbols, isPlain } from "./plain_object.ts";

/**
 * Checks whether an object equals a parsed JSON object, in any order of keys. Returns `false` for values that
 * would not survive JSON.
 */
export function hasSameMembers(object: object, json: object): boolean {
  let left = 0;
  // Object.keys() would allocate lists.
  for (const key in json) if (Object.hasOwn(json, key)) left++;
  for (const key in object) {
    if (!Object.hasOwn(object, key)) continue;
    const member = (object as Record<string, unknown>)[key];
    // JSON omits undefined members.
    if (member === undefined) continue;
    if (!Object.hasOwn(json, key)) return false;
    if (!isSame(member, (json as Record<string, unknown>)[key])) return false;
    left--;
  }
  return left === 0 && !hasSymbols(object);
}

/** Checks whether a value equals a parsed JSON text. Either may be `undefined`. */
export function standsFor(text: string | undefined, value: unknown): boolean {
  return text === undefined ? value === undefined : isSame(value, JSON.parse(text));
}

/** Checks whether two texts of `JSON.stringify`, or `undefined`, represent the same value, in any order of keys. */
export function isSameJson(one: string | undefined, other: string | undefined): boolean {
  if (one === other) return true;
  if (one === undefined || one.length !== other?.length) return false;
  return isSame(JSON.parse(one), JSON.parse(other));
}

function isSame(value: unknown, json: unknown): boolean {
  if (typeof json !== "object" || json === null) return value === json;
  if (typeof value !== "object" || value === null || !isPlain(value)) return false;
  // An object with toJSON() may serialize to anything.
  if ("toJSON" in value && typeof value.toJSON === "function") return false;
  if (!Array.isArray(json)) return !Array.isArray(value) && hasSameMembers(value, json);
  if (!Array.isArray(value) || value.length !== json.length) return false;
  for (let index = 0; index < json.length; index++) {
    if (!isSame(value[index], json[index])) return false;
  }
  return Object.keys(value).length === json.length && !hasSymbols(value);
}
