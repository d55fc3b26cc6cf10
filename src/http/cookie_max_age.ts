import { deadline, type ExpiryPolicy, isPersistent } from "../record/expiry.ts";
import type { SessionRecord } from "../record/record.ts";
import { LONGEST_COOKIE } from "../util/cookie_limits.ts";

/**
 * The `Max-Age` of a session cookie in whole seconds, rounded up; `undefined` for a cookie that ends with the browser.
 */
export function cookieMaxAge(
  record: SessionRecord,
  { expiry, now }: { expiry: ExpiryPolicy; now: number },
): number | undefined {
  if (!isPersistent(expiry, record)) return undefined;
  const seconds = Math.ceil((deadline(expiry, record) - now) / 1000);
  return Math.min(Math.max(seconds, 0), LONGEST_COOKIE);
}
