import { HTTPException } from "hono/http-exception";
import { SessionConflictError, SessionLimitError, SessionStoreError } from "./errors.ts";

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

/**
 * The error that Hono answers as it should: 503 when the store failed, 409 after too many conflicts, 403
 * when a subject has too many sessions.
 */
export function asResponse(cause: unknown): unknown {
  if (cause instanceof SessionStoreError) {
    return new HTTPException(503, { message: "Service Unavailable", cause });
  }
  if (cause instanceof SessionLimitError) {
    return new HTTPException(403, { message: "Forbidden", cause });
  }
  if (cause instanceof SessionConflictError) {
    return new HTTPException(409, { message: "Conflict", cause });
  }
  return cause;
}
