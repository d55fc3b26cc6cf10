import type { MiddlewareConfig } from "./check_options.ts";
import { cookieOf } from "./session_cookie.ts";
import type { Credential } from "./sessions.ts";
import type { Exchange } from "./transport.ts";
import type { Delivery } from "./delivery.ts";

/** What a client presents, the one that counts first. */
export async function credentialsOf(
  { bearer, transport, signer }: MiddlewareConfig,
  request: Request,
  c: unknown,
): Promise<Credential[]> {
  const credentials: Credential[] = [];
  for (const token of bearer?.transport.read(request) ?? []) {
    credentials.push({ by: "token", ...await bearer!.tokens.verify(token, c) });
  }
  for (const value of transport?.read(request.headers) ?? []) {
    const token = signer ? await signer.verify(value, c) : value;
    credentials.push({
      by: "cookie",
      ...(token === undefined ? { rejected: "forged" } : { token }),
    });
  }
  return credentials;
}

/** What puts into a response what the client is to be told of its session; nothing where there are no cookies. */
export async function toCookies(
  { transport, signer }: MiddlewareConfig,
  { token, maxAge, cookie, held }: Delivery,
  c: unknown,
): Promise<((headers: Exchange) => void) | undefined> {
  if (!transport) return undefined;
  const until = cookieOf(transport.cookie, held);
  if (token === undefined) return (headers) => transport.clear(headers, until);
  const sent = {
    token: signer ? await signer.sign(token, c) : token,
    maxAge,
    cookie: cookieOf(transport.cookie, cookie),
    held: until,
  };
  return (headers) => transport.write(headers, sent);
}
