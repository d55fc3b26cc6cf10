import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { withHeaders } from "./response.ts";

/** Makes the response of a guard. */
export type Answer = (c: Context) => Response | Promise<Response>;

/**
 * Makes the error with which Hono's own guards deny access: it carries its response. Another guard may still
 * accept the request, so nothing of the response stays on the context.
 */
export async function denyAccess(
  { answer, message, bearer }: { answer: Answer; message: string; bearer: boolean },
  c: Context,
): Promise<HTTPException> {
  const before = headersOf(c);
  const response = await answer(c);
  for (const name of headersOf(c).keys()) c.header(name);
  for (const [name, value] of before) c.header(name, value, { append: true });
  const res = bearer
    ? withHeaders(response, (headers) => headers.append("www-authenticate", "Bearer"))
    : response;
  return new HTTPException(res.status as 401, { res, message });
}

/** Returns the headers that the context adds to every response. */
function headersOf(c: Context): Headers {
  return c.body(null).headers;
}
