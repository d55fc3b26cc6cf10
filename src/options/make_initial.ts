import { parseObject } from "../record/record.ts";
import { serializeValue } from "../record/serialize.ts";
import { assertNotReserved } from "../session/reserved_names.ts";
import { isPromiseLike } from "../util/awaitable.ts";
import { refuse } from "../util/option_errors.ts";

/** Makes the function that returns the JSON text of the initial data. */
export function makeInitial(initial: unknown): () => string {
  if (typeof initial === "function") {
    if (initial.length > 0) {
      refuse("initial", "a function without parameters is required; set other data in the handler");
    }
    return () => serializeInitial(initial());
  }
  const text = serializeInitial(initial);
  return () => text;
}

function serializeInitial(value: unknown): string {
  if (isPromiseLike(value)) {
    refuse("initial", "its function returns a promise; set asynchronous data in the handler");
  }
  try {
    const text = serializeValue(value, "initial");
    for (const key of Object.keys(parseObject(text))) assertNotReserved(key);
    return text;
  } catch (error) {
    return refuse("initial", (error as Error).message);
  }
}
