import { cookieMaxAge, deadline, isPersistent } from "../record/expiry.ts";
import type { Delivery } from "../request/cookie_change.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { MiddlewareConfig } from "./config.ts";
import { cookieOf } from "./session_cookie.ts";
import type { Exchange } from "./transport.ts";

/**
 * What puts into a response what the client is to be told of its session, and tells how many bytes that takes; nothing where
 * there are no cookies.
 */
export function toCookies(
  { transport, signer, clock, expiry }: MiddlewareConfig,
  { token, record, cookie, held }: Delivery,
  c: unknown,
): Awaitable<((headers: Exchange) => number) | undefined> {
  if (!transport) return undefined;
  const until = cookieOf(transport.cookie, held);
  if (token === undefined) {
    return (headers) => {
      transport.clear(headers, until);
      return 0;
    };
  }
  const maxAge = record && isPersistent(expiry, record)
    ? cookieMaxAge(deadline(expiry, record), clock())
    : undefined;
  const next = cookieOf(transport.cookie, cookie);
  return andThen(
    signer ? signer.sign(token, c) : token,
    (token) => (headers: Exchange) =>
      transport.write(headers, { token, maxAge, cookie: next, held: until }),
  );
}
