import type { Context } from "hono";
import { addMarks, type Marking, missingMarks } from "../http/cache_headers.ts";
import { cancelBody, type StreamWatcher, watchEnd } from "../http/response_stream.ts";
import { isPromiseLike } from "../util/awaitable.ts";

/** Headers that describe the body. */
const OF_THE_BODY = [
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

/** The methods of a Hono context that make a response from a body. */
type Makers = Record<"body" | "html" | "json" | "newResponse" | "text", Make>;
type Make = (data: unknown, arg?: unknown, headers?: unknown) => Response;

/** A session of the request, and the one that was mounted before it. */
interface Watching {
  readonly responseEnd: StreamWatcher;
  readonly outer: Watching | undefined;
}

/** A body that may be a stream. */
const UNKNOWN = Symbol("unknown");

/** A body that is a text, but whose text is not known. */
const TEXT = Symbol("text");

/**
 * The response to one request. The application may keep its response and return it for other users as well, so
 * headers for one user go into a copy.
 */
export class ContextResponse {
  /** The session that was mounted last. It and those before it watch the streams from which Hono makes responses. */
  watching: Watching | undefined;
  /** Whether the response may contain an access token. */
  holdsToken = false;
  readonly #c: Context;
  /** The last response that Hono made in this request. */
  #made: Response | undefined;
  /** The body from which it was made. */
  #body: unknown;
  /** Headers of a response whose values were overridden by earlier headers. */
  #mixed: Headers | undefined;

  constructor(c: Context) {
    this.#c = c;
    this.#watch(c as Makers);
  }

  /** Watches the end of the response body if it is a stream. */
  watchBody(watcher: StreamWatcher): void {
    const { res } = this.#c;
    const body = res === this.#made ? this.#body : UNKNOWN;
    const isStream = body === UNKNOWN || body instanceof ReadableStream;
    if (!isStream || fixedState(res) || !res.body || res.body.locked) return;
    this.#replace(new Response(watchEnd(res.body, watcher), res));
  }

  /**
   * Records a response that was assigned to the context.
   *
   * @param given The assigned response.
   * @param held The response that the context holds now.
   */
  take(given: Response, held: Response): void {
    // If there was a response before, Hono has merged the two, and the headers of the first took precedence.
    this.#mixed = given === held ? undefined : given.headers;
    if (this.#mixed) this.#note(held, UNKNOWN);
  }

  /** Adds cache headers to a response of this request. */
  mark(res: Response, marking: Marking): void {
    const missing = missingMarks(res.headers, marking, this.#mixed);
    if (!missing) return;
    // A response without a body can be sent several times, so the application may have kept it.
    const isOwn = res === this.#made && this.#body !== null;
    const headers = isOwn ? res.headers : this.#ownHeaders(res);
    if (typeof headers !== "string") addMarks(headers, missing);
  }

  /**
   * Adds cache headers for one user.
   *
   * @returns The headers, of a copy of the response; or the reason why they can't be changed.
   * @throws {TypeError} When the body of the response can't be sent any more.
   */
  send(marking: Marking | undefined): Headers | string {
    const { res } = this.#c;
    // Checking the copy, with all headers for the user, would take longer.
    const missing = marking && missingMarks(res.headers, marking, this.#mixed);
    const headers = this.#ownHeaders(res);
    if (typeof headers !== "string") addMarks(headers, missing);
    return headers;
  }

  /** Replaces the response with an empty one that keeps the headers of other middleware. */
  drop(): void {
    const { res } = this.#c;
    cancelBody(res);
    const headers = new Headers(res.headers);
    for (const name of OF_THE_BODY) headers.delete(name);
    headers.set("cache-control", "no-store");
    this.#replace(new Response(null, { headers }));
  }

  /** Returns the headers of a copy of the response; or the reason why they can't be changed. */
  #ownHeaders(res: Response): Headers | string {
    if (!this.#c.finalized) return res.headers;
    const reason = fixedState(res);
    if (reason) return reason;
    const copy = this.#copy(res);
    this.#replace(copy);
    return copy.headers;
  }

  /**
   * Records the responses that Hono makes: copying a text is much faster than copying a stream, for servers as
   * well.
   */
  #watch(makers: Makers): void {
    const { body, html, json, newResponse, text } = makers;
    // Assigned directly, the function literals would stay in memory with the request until a full garbage
    // collection.
    const makeText: Make = (data, arg, headers) => this.#note(text(data, arg, headers), data);
    const makeBody: Make = (data, arg, headers) =>
      this.#note(body(this.#watched(data), arg, headers), data);
    const makeResponse: Make = (data, arg, headers) =>
      this.#note(newResponse(this.#watched(data), arg, headers), data);
    const makeJson: Make = (data, arg, headers) => this.#note(json(data, arg, headers), TEXT);
    const makeHtml: Make = (data, arg, headers) => {
      const made = html(data, arg, headers);
      if (!isPromiseLike(made)) return this.#note(made, data);
      made.then((made) => this.#note(made, TEXT), () => {});
      return made;
    };
    makers.text = makeText;
    makers.body = makeBody;
    makers.newResponse = makeResponse;
    makers.json = makeJson;
    makers.html = makeHtml;
  }

  /** Watches a stream from which Hono makes a response, for each session of the request. */
  #watched(data: unknown): unknown {
    if (!(data instanceof ReadableStream)) return data;
    let stream = data;
    for (let session = this.watching; session; session = session.outer) {
      stream = watchEnd(stream, session.responseEnd);
    }
    return stream;
  }

  #note(made: Response, body: unknown): Response {
    this.#made = made;
    this.#body = body ?? null;
    return made;
  }

  #copy(response: Response): Response {
    const known = response === this.#made ? this.#body : UNKNOWN;
    if (known === null || typeof known === "string") {
      const copy = new Response(known, response);
      // A response that is made from a text gets a type, which the application may have removed.
      if (!response.headers.has("content-type")) copy.headers.delete("content-type");
      return this.#note(copy, known);
    }
    const { body } = response;
    if (response.bodyUsed || body?.locked) {
      throw new TypeError(
        "Cannot add headers of session to response: its body was used before; return a new Response for each request",
      );
    }
    return this.#note(new Response(body, response), body && known);
  }

  #replace(response: Response): void {
    // Otherwise Hono would merge the headers of the two.
    this.#c.res = undefined;
    this.#c.res = response;
  }
}

/** Returns a copy of a response with other headers. */
export function withHeaders(response: Response, change: (headers: Headers) => void): Response {
  const copy = new Response(response.body, response);
  change(copy.headers);
  return copy;
}

/** Returns the reason why the headers of a response can't be changed, if any. */
function fixedState({ status, headers }: Response): string | undefined {
  if (status === 101) {
    return "the response is an upgrade with fixed headers; change the session in another request";
  }
  if (status < 200) return "the response is a network error; return another one";
  // A response of @hono/node-server that was already sent: a copy would be sent again.
  if (headers.has("x-hono-already-sent")) {
    return "the handler has sent the response by itself; change the session before that, in another request";
  }
  return undefined;
}
