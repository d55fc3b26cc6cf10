import type { Context } from "hono";
import { propertyOf } from "../util/property.ts";

/** Records that the response may contain an access token when the variable that holds it is read. */
export function watchToken(c: Context, name: string, response: { showToken(): void }): void {
  watchVariable(c, name, () => response.showToken());
}

/**
 * Detects reads of a variable of a context. Reads through `c.var` are detected only for the variable itself.
 *
 * @param c The context.
 * @param name The variable.
 * @param seen Called when the variable is read and has a value.
 */
function watchVariable(c: Context, name: string, seen: () => void): void {
  const look = <Value>(value: Value): Value => {
    if (value !== undefined) seen();
    return value;
  };
  const get = c.get as (key: string) => unknown;
  const watched = (key: string) => key === name ? look(get(key)) : get(key);
  c.get = watched as typeof c.get;
  const variables = propertyOf(c, "var")?.get;
  if (!variables) return;
  Object.defineProperty(c, "var", {
    get() {
      const all: Record<string, unknown> = variables.call(c);
      const value = all[name];
      if (value !== undefined) {
        Object.defineProperty(all, name, { get: () => look(value), enumerable: true });
      }
      return all;
    },
    configurable: true,
  });
}
