import type { MiddlewareConfig } from "../options/check_options.ts";
import type { Delivery } from "../request/cookie_change.ts";
import type { Credential } from "../request/load.ts";
import { allOf, andThen, type Awaitable } from "../util/awaitable.ts";
import { cookieOf } from "./session_cookie.ts";
import type { Exchange } from "./transport.ts";

const NONE: readonly Credential[] = [];
const NO_TOKENS: readonly string[] = [];

/** What a client presents, the one that counts first. */
export function credentialsOf(
  config: MiddlewareConfig,
  request: Request,
  c: unknown,
): Awaitable<readonly Credential[]> {
  const { bearer, transport } = config;
  const tokens = bearer ? bearer.transport.read(request) : NO_TOKENS;
  const values = transport ? transport.read(request.headers) : NO_TOKENS;
  if (tokens.length > 0) return verified(config, { tokens, values }, c);
  if (values.length === 0) return NONE;
  return inCookies(config, values, c);
}

async function verified(
  config: MiddlewareConfig,
  { tokens, values }: { tokens: readonly string[]; values: readonly string[] },
  c: unknown,
): Promise<Credential[]> {
  const credentials: Credential[] = [];
  for (const token of tokens) {
    credentials.push({ by: "token", ...await config.bearer!.tokens.verify(token, c) });
  }
  return [...credentials, ...await inCookies(config, values, c)];
}

/** What the values of cookies present. */
export function inCookies(
  { signer }: MiddlewareConfig,
  values: readonly string[],
  c: unknown,
): Awaitable<Credential[]> {
  if (!signer) return values.map(inCookie);
  return allOf(values.map((value) => andThen(signer.verify(value, c), inCookie)));
}

function inCookie(token: string | undefined): Credential {
  return token === undefined ? { by: "cookie", rejected: "forged" } : { by: "cookie", token };
}

/**
 * What puts into a response what the client is to be told of its session, and tells how many bytes that takes; nothing where
 * there are no cookies.
 */
export function toCookies(
  { transport, signer }: MiddlewareConfig,
  { token, maxAge, cookie, held }: Delivery,
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
  const next = cookieOf(transport.cookie, cookie);
  return andThen(
    signer ? signer.sign(token, c) : token,
    (token) => (headers: Exchange) =>
      transport.write(headers, { token, maxAge, cookie: next, held: until }),
  );
}
