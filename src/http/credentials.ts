import type { Credential } from "../request/load.ts";
import { allOf, andThen, type Awaitable } from "../util/awaitable.ts";
import type { MiddlewareConfig } from "./config.ts";
import { findAll } from "./cookie_header.ts";

const NONE: readonly Credential[] = [];
const NO_TOKENS: readonly string[] = [];

/** Returns the credentials of a request, the one with precedence first. */
export function credentialsOf(
  config: MiddlewareConfig,
  request: Request,
  c: unknown,
): Awaitable<readonly Credential[]> {
  const own = ownCredentialsOf(config, request, c);
  return config.adopt ? andThen(own, withAdopted, { config, request }) : own;
}

/**
 * Adds the cookie of another library. Of several none counts: the application may read another one than the one
 * under which its session would be adopted.
 */
function withAdopted(
  own: readonly Credential[],
  { config: { adopt, clock }, request }: { config: MiddlewareConfig; request: Request },
): readonly Credential[] {
  const header = request.headers.get("cookie");
  if (header === null || clock() >= adopt!.until) return own;
  const [token, ...others] = findAll(header, adopt!.cookie);
  return !token || others.length > 0 ? own : [...own, { by: "adopted", token }];
}

function ownCredentialsOf(
  config: MiddlewareConfig,
  request: Request,
  c: unknown,
): Awaitable<readonly Credential[]> {
  const { bearer } = config;
  const tokens = bearer ? bearer.transport.read(request) : NO_TOKENS;
  return tokens.length > 0
    ? verified(config, { tokens, request }, c)
    : inCookiesOf(config, request, c);
}

/** Returns the credentials in the cookies of a request, with its headers if they may prove a device. */
function inCookiesOf(
  config: MiddlewareConfig,
  { headers }: Request,
  c: unknown,
): Awaitable<readonly Credential[]> {
  const { transport, device } = config;
  const values = transport ? transport.read(headers) : NO_TOKENS;
  if (values.length === 0) return NONE;
  const credentials = inCookies(config, values, c);
  return device ? andThen(credentials, withHeaders, headers) : credentials;
}

function withHeaders(credentials: Credential[], headers: Headers): Credential[] {
  // They were made for this request.
  for (const credential of credentials) credential.headers = headers;
  return credentials;
}

async function verified(
  config: MiddlewareConfig,
  { tokens, request }: { tokens: readonly string[]; request: Request },
  c: unknown,
): Promise<Credential[]> {
  const credentials: Credential[] = [];
  for (const token of tokens) {
    credentials.push({ by: "token", ...await config.bearer!.tokens.verify(token, c) });
  }
  return [...credentials, ...await inCookiesOf(config, request, c)];
}

/** Returns the credentials in the values of cookies. */
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
