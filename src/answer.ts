import { HTTPException } from "hono/http-exception";
import { reasonOf, SessionError } from "./errors.ts";

/** What has an answer on its way: a Hono context. */
export interface Answering {
  get res(): Response;
  set res(response: Response | undefined);
}

/** Headers that speak of the answer that must not leave. */
const OF_THE_ANSWER = [
  "accept-ranges",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-range",
  "content-type",
  "etag",
  "expires",
  "last-modified",
  "location",
  "refresh",
  "transfer-encoding",
];

/** An empty response in the place of the handler's, with what other middleware said of it. */
export function dropAnswer(c: Answering): void {
  const headers = new Headers(c.res.headers);
  for (const name of OF_THE_ANSWER) headers.delete(name);
  headers.set("cache-control", "no-store");
  // Or Hono would mix the headers of the two.
  c.res = undefined;
  c.res = new Response(null, { headers });
}

/** Changes the headers of the response, or of a copy where they can't be changed. */
export function editHeaders(c: Answering, edit: (headers: Headers) => void): boolean {
  try {
    edit(c.res.headers);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // An upgrade to a WebSocket can't be copied.
    if (c.res.status === 101) return false;
    c.res = new Response(c.res.body, c.res);
    edit(c.res.headers);
  }
  return true;
}

/** The error that Hono answers as its status says. A fault stays as it is, for Hono to report. */
export function asResponse(cause: unknown): unknown {
  if (!(cause instanceof SessionError)) return cause;
  const message = reasonOf(cause);
  return message === undefined ? cause : new HTTPException(cause.status, { message, cause });
}
