import { HTTPException } from "hono/http-exception";
import { reasonOf, SessionError } from "../errors.ts";

/** Wraps an error so that Hono responds with its status. A fault is returned as it is, for Hono to report. */
export function asResponse(cause: unknown): unknown {
  if (!(cause instanceof SessionError)) return cause;
  const message = reasonOf(cause);
  return message === undefined ? cause : new HTTPException(cause.status, { message, cause });
}
