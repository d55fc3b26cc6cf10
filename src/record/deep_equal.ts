import { holdsItemsAlone, isPlainObject } from "./serialize.ts";

/**
 * Whether the members of an object, in whatever order, are what a JSON text stands for: `false` as well for anything that
 * would not survive JSON.
 */
export function hasSameMembers(object: object, json: object): boolean {
  const wanted = Object.keys(json);
  let count = 0;
  for (const key of Object.keys(object)) {
    const member = (object as Record<string, unknown>)[key];
    // JSON leaves it out.
    if (member === undefined) continue;
    if (key !== wanted[count++] && !Object.hasOwn(json, key)) return false;
    if (!isSame(member, (json as Record<string, unknown>)[key])) return false;
  }
  return count === wanted.length && !hasSymbols(object);
}

/** Whether a value, or none, is what a JSON text, or none, stands for. */
export function standsFor(text: string | undefined, value: unknown): boolean {
  return text === undefined ? value === undefined : isSame(value, JSON.parse(text));
}

/** Whether two JSON texts as `JSON.stringify` gives them, or none, stand for the same, in whatever order keys are. */
export function isSameJson(one: string | undefined, other: string | undefined): boolean {
  if (one === other) return true;
  if (one === undefined || one.length !== other?.length) return false;
  return isSame(JSON.parse(one), JSON.parse(other));
}

function isSame(value: unknown, json: unknown): boolean {
  if (typeof json !== "object" || json === null) return value === json;
  if (typeof value !== "object" || value === null) return false;
  // What says itself what it is as JSON may be anything.
  if ("toJSON" in value && typeof value.toJSON === "function") return false;
  if (!Array.isArray(json)) return isPlainObject(value) && hasSameMembers(value, json);
  if (!Array.isArray(value) || value.length !== json.length) return false;
  if (!holdsItemsAlone(value)) return false;
  for (let index = 0; index < json.length; index++) {
    if (!isSame(value[index], json[index])) return false;
  }
  return true;
}

function hasSymbols(object: object): boolean {
  return Object.getOwnPropertySymbols(object).length > 0;
}
