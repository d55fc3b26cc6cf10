import { cookieMaxAge, deadline, isPersistent } from "../record/expiry.ts";
import type { CookieChange } from "../request/cookie_change.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { MiddlewareConfig } from "./config.ts";
import type { Exchange } from "./cookie_transport.ts";
import { cookieOf } from "./session_cookie.ts";

/** Changes the cookie in the headers of a response, and returns how many bytes of them hold the token. */
export type ChangeCookie = (headers: Exchange) => number;

/** Makes what changes the cookie; nothing where it stays, or there are no cookies. */
export function toCookies(
  { transport, signer, clock, expiry }: MiddlewareConfig,
  change: CookieChange,
  c: unknown,
): Awaitable<ChangeCookie> | undefined {
  if (!transport || change.action === "none") return undefined;
  const held = cookieOf(transport.cookie, change.held);
  if (change.action === "clear") {
    return (headers) => {
      transport.clear(headers, held);
      return 0;
    };
  }
  const { token, record } = change;
  const maxAge = isPersistent(expiry, record)
    ? cookieMaxAge(deadline(expiry, record), clock())
    : undefined;
  const cookie = cookieOf(transport.cookie, change.cookie);
  return andThen(
    signer ? signer.sign(token, c) : token,
    (token) => (headers: Exchange) => transport.write(headers, { token, maxAge, cookie, held }),
  );
}
