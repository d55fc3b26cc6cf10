import { isPromiseLike } from "../util/awaitable.ts";
import type { SessionOptions } from "./options.ts";

/** The longest host name (RFC 1035, 2.3.4). */
const LONGEST_HOST = 253;

/** Makes the function that names the scope of a request. */
export function makeScope(scope: SessionOptions["scope"]): ((c: unknown) => string) | undefined {
  if (scope === undefined) return undefined;
  if (scope === "host") return hostOf;
  return (c) => {
    const name: unknown = scope(c);
    if (typeof name === "string" && name !== "") return name;
    const given = isPromiseLike(name) ? "a promise instead of a name" : "no name";
    throw new TypeError(`Cannot open session: scope returned ${given}`);
  };
}

/** Returns the host name of a request, truncated to the length of a valid name. */
function hostOf(c: unknown): string {
  const { req } = (c ?? {}) as { req?: { url: string } };
  if (req) return new URL(req.url).hostname.slice(0, LONGEST_HOST);
  throw new TypeError(
    'Cannot determine scope of session: "host" requires the Hono context; pass { c }',
  );
}
