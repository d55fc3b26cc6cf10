import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { withHeaders } from "./response.ts";

/** Makes the response of a guard. */
export type Answer = (c: Context) => Response | Promise<Response>;

/** The response to a request that a guard rejects. */
export interface Denial {
  readonly answer: Answer;
  readonly message: string;
  /** Whether access tokens are accepted. */
  readonly bearer: boolean;
  /** The challenge of a response with the status 401; when `undefined`, that of access tokens if they are accepted. */
  readonly challenge: string | undefined;
}

/**
 * Makes the error with which Hono's own guards deny access: it carries its response. Another guard may still
 * accept the request, so nothing of the response stays on the context.
 */
export async function denyAccess(
  { answer, message, bearer, challenge }: Denial,
  c: Context,
): Promise<HTTPException> {
  const before = headersOf(c);
  const response = await answer(c);
  for (const name of headersOf(c).keys()) c.header(name);
  for (const [name, value] of before) c.header(name, value, { append: true });
  const value = response.status === 401 && challenge || (bearer ? "Bearer" : undefined);
  const res = value
    ? withHeaders(response, (headers) => headers.append("www-authenticate", value))
    : response;
  return new HTTPException(res.status as 401, { res, message });
}

/** Returns the headers that the context adds to every response. */
function headersOf(c: Context): Headers {
  return c.body(null).headers;
}
