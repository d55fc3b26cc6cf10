import { SessionTooLargeError } from "../../src/errors.ts";
import { parseMembers, type SessionRecord } from "../../src/record/record.ts";
import { CHUNK_OVERHEAD, LARGEST_COOKIE } from "../../src/util/cookie_limits.ts";

/** The largest size of a percent-encoded character: three bytes of UTF-8. */
const MOST_ENCODED = 9;

/**
 * Checks that a session fits into its cookie.
 *
 * @throws {SessionTooLargeError} When a browser would not keep the cookie.
 */
export function assertSize(
  token: string,
  record: SessionRecord,
  { cookieName, chunks }: { cookieName: string; chunks: number },
): void {
  const name = cookieName.length + 1;
  if (name + token.length * MOST_ENCODED <= LARGEST_COOKIE) return;
  // A value may contain characters that must be percent-encoded.
  const size = name + encodeURIComponent(token).length;
  const limit = chunks === 1
    ? LARGEST_COOKIE
    : name + chunks * (LARGEST_COOKIE - name - CHUNK_OVERHEAD);
  if (size <= limit) return;
  throw new SessionTooLargeError(
    `Cannot seal session: the cookie is ${size} bytes, browsers keep ${limit}; ${
      largestIn(record)
    }`,
    { size, limit },
  );
}

/** Names the largest part of a record. */
function largestIn(
  { data, flash = "{}", meta = "", provider = "", cookie = "", scope = "" }: SessionRecord,
): string {
  const sizes: [what: string, size: number][] = [
    ["part is session.meta", meta.length],
    ["part is session.provider", provider.length],
    ["part is the changed attributes of the cookie", cookie.length],
    ["part is the scope", scope.length],
  ];
  for (const [kind, text] of [["key", data], ["flashed key", flash]] as const) {
    for (const [key, { length }] of parseMembers(text)) {
      sizes.push([`${kind} is ${JSON.stringify(key)}`, length]);
    }
  }
  const [what, size] = sizes.reduce((one, other) => other[1] > one[1] ? other : one);
  return `the largest ${what} with ${size} characters`;
}
