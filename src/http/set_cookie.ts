import { TOKEN_PURPOSE } from "../crypto/message_signature.ts";
import type { CookieChange } from "../request/cookie_change.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { MiddlewareConfig } from "./config.ts";
import type { CookieTemplate } from "./cookie_attributes.ts";
import { cookieMaxAge } from "./cookie_max_age.ts";
import type { Exchange, SentToken } from "./cookie_transport.ts";
import { cookieOf } from "./session_cookie.ts";

/** A token that is sent to the client. */
interface SentCookie extends SentToken {
  /** The header that asks the browser to bind the session to its device. */
  readonly registration?: string;
}

/** A change of the cookie in a response: without a token, the cookie is expired. */
export type PreparedCookie = SentCookie | { readonly held: CookieTemplate };

/** Prepares a change of the cookie; `undefined` when it does not change, or no cookies are used. */
export function prepareCookie(
  config: MiddlewareConfig,
  change: CookieChange | undefined,
  c: unknown,
): Awaitable<PreparedCookie> | undefined {
  const { transport, signer, clock, expiry, device } = config;
  if (!transport || !change) return undefined;
  const held = cookieOf(transport.cookie, change.held);
  if (!("token" in change)) return { held };
  const { token, record, binds } = change;
  const maxAge = cookieMaxAge(record, { expiry, now: clock() });
  const sent = { token, maxAge, cookie: cookieOf(transport.cookie, change.cookie), held };
  const signed = signer ? andThen(signer.sign(token, TOKEN_PURPOSE, c), withToken, sent) : sent;
  // Browsers bind no partitioned cookies.
  if (!device || binds === undefined || sent.cookie.attributes.partitioned) return signed;
  return withRegistration(signed, device.registration(binds, c));
}

async function withRegistration(
  signing: Awaitable<SentCookie>,
  registering: Awaitable<string>,
): Promise<SentCookie> {
  const [signed, registration] = await Promise.all([signing, registering]);
  return { ...signed, registration };
}

function withToken(token: string, sent: SentToken): SentToken {
  return { ...sent, token };
}

/** Changes the cookie in the headers of a response. Returns the size of the token in them, in bytes. */
export function writeCookie(
  { transport }: MiddlewareConfig,
  cookie: PreparedCookie,
  headers: Exchange,
): number {
  const { held } = cookie;
  if (!("token" in cookie)) {
    transport!.clear(headers, held);
    return 0;
  }
  const bytes = transport!.write(headers, cookie);
  if (cookie.registration) {
    headers.response.append("secure-session-registration", cookie.registration);
    // Without that cookie the browser refreshes its former session at once, is rejected, and drops the key of that session.
    transport!.clearDevice(headers, held);
  }
  return bytes;
}
