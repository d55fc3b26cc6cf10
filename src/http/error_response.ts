import { HTTPException } from "hono/http-exception";
import { reasonOf, SessionError } from "../errors.ts";

/** The error that Hono answers as its status says. A fault stays as it is, for Hono to report. */
export function asResponse(cause: unknown): unknown {
  if (!(cause instanceof SessionError)) return cause;
  const message = reasonOf(cause);
  return message === undefined ? cause : new HTTPException(cause.status, { message, cause });
}
