import { setProperty } from "../util/property.ts";
import { isPlain } from "./plain_object.ts";
import { MAX_DEPTH } from "./unserializable_value.ts";

/**
 * Copies the plain objects and arrays in a value, which the application may keep and change. Other values are
 * not copied; they are refused when the session is serialized.
 */
export function copyValue(value: unknown): unknown {
  const copies = new Map<object, object>();
  const copyOnce = (value: unknown, depth: number): unknown => {
    if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return value;
    // Keep cycles.
    const known = copies.get(value);
    if (known) return known;
    if (!isPlain(value)) return value;
    // It is refused. Object.assign() would set the prototype of the copy.
    if (Array.isArray(value) && Object.hasOwn(value, "__proto__")) return value;
    // Array holes and members beside the items are kept as well.
    const copy = Array.isArray(value) ? Object.assign(value.slice(), value) : { ...value };
    copies.set(value, copy);
    for (const key of Reflect.ownKeys(copy)) {
      Reflect.set(copy, key, copyOnce(Reflect.get(copy, key), depth + 1));
    }
    return copy;
  };
  return copyOnce(value, 0);
}

/** Copies an object that was parsed from JSON, much faster than parsing the text again. */
export function copyMembers(json: object): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  // Object.keys() would allocate a list.
  for (const key in json) {
    if (!Object.hasOwn(json, key)) continue;
    const member = copyOf((json as Record<string, unknown>)[key]);
    if (key === "__proto__") setProperty(copy, key, member);
    else copy[key] = member;
  }
  return copy;
}

function copyOf(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  return Array.isArray(json) ? json.map(copyOf) : copyMembers(json);
}
