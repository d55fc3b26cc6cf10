import { TOKEN_PURPOSE } from "../crypto/message_signature.ts";
import type { Credential } from "../request/session_loader.ts";
import { allOf, andThen, type Awaitable } from "../util/awaitable.ts";
import { bearerTokens } from "./bearer_tokens.ts";
import type { MiddlewareConfig } from "./config.ts";
import { findAll } from "./cookie_header.ts";

const NONE: readonly never[] = [];

/** Returns the credentials of a request, in order of precedence. */
export function credentialsOf(
  config: MiddlewareConfig,
  request: Request,
  c: unknown,
): Awaitable<readonly Credential[]> {
  const cookies = inCookiesOf(config, request, c);
  return config.bearer || config.adopt ? amongOthers(cookies, { config, request }, c) : cookies;
}

/** Returns the credentials in the cookies of a request, with its headers if they may prove a device. */
function inCookiesOf(
  config: MiddlewareConfig,
  { headers }: Request,
  c: unknown,
): Awaitable<readonly Credential[]> {
  const { transport, device } = config;
  const values = transport ? transport.read(headers) : NONE;
  if (values.length === 0) return NONE;
  const credentials = inCookies(config, values, c);
  return device ? andThen(credentials, withHeaders, headers) : credentials;
}

function withHeaders(credentials: Credential[], headers: Headers): Credential[] {
  // They were made for this request.
  for (const credential of credentials) credential.headers = headers;
  return credentials;
}

/**
 * Adds the access tokens of a request, and its cookie of another library. If there are several such cookies, it adds none of
 * them: the application may read another one than would be adopted here.
 */
function amongOthers(
  cookies: Awaitable<readonly Credential[]>,
  { config: { bearer, adopt, clock }, request }: { config: MiddlewareConfig; request: Request },
  c: unknown,
): Awaitable<readonly Credential[]> {
  const all: Awaitable<readonly Credential[]>[] = [];
  for (const token of bearer ? bearerTokens(bearer, request) : NONE) {
    all.push(bearer!.tokens.verify(token, c).then((verified) => [{ by: "token", ...verified }]));
  }
  all.push(cookies);
  if (adopt && clock() < adopt.until) {
    const [token, ...others] = findAll(request.headers, adopt.cookie);
    if (token && others.length === 0) all.push([{ by: "adopted", token }]);
  }
  return andThen(allOf(all), (lists) => lists.flat());
}

/** Returns the credentials in the values of cookies. */
export function inCookies(
  { signer }: MiddlewareConfig,
  values: readonly string[],
  c: unknown,
): Awaitable<Credential[]> {
  if (!signer) return values.map(inCookie);
  return allOf(values.map((value) => andThen(signer.verify(value, TOKEN_PURPOSE, c), inCookie)));
}

function inCookie(token: string | undefined): Credential {
  return token === undefined ? { by: "cookie", rejected: "forged" } : { by: "cookie", token };
}
