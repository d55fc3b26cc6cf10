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

/** The members of a Hono context that make a response of a body. */
type Makers = Record<"body" | "html" | "json" | "newResponse" | "text", Make>;
type Make = (data: unknown, arg?: unknown, headers?: unknown) => Response;

const NOBODY: readonly StreamWatcher[] = [];

/** Stands for a body that is not known as a text. */
const UNKNOWN = Symbol("unknown");

/**
 * The response to one request on its way out. The application may keep what it responds with, and respond with it to
 * somebody else as well: what is for one user goes into a copy.
 */
export class ContextResponse {
  readonly #c: Context;
  #watchers: readonly StreamWatcher[] = NOBODY;
  /** The response that Hono has made last in this request. */
  #made: Response | undefined;
  /** What it was made of. */
  #body: unknown;
  #isMarking = false;
  #holdsToken = false;
  /** Headers that the response was to have, where others were there before. */
  #mixed: Headers | undefined;

  constructor(c: Context) {
    this.#c = c;
    this.#watch(c as Makers);
  }

  /** Watches the streams that Hono makes responses of. */
  watchStreams(watcher: StreamWatcher): void {
    const { length } = this.#watchers;
    // Most often it is the first one; a list that grows takes room for more.
    this.#watchers = length === 0 ? [watcher] : [...this.#watchers, watcher];
  }

  /**
   * Notes a response that the context was given.
   *
   * @param given The response.
   * @param held The one that the context has now.
   */
  take(given: Response, held: Response): void {
    // Where there was one before, Hono has made one of the two, and the headers of the first have stayed.
    this.#mixed = given === held ? undefined : given.headers;
    if (this.#mixed) this.#note(held, UNKNOWN);
  }

  /** Notes that the response may show an access token. */
  showToken(): void {
    this.#holdsToken = true;
  }

  /** Marks the response for caches. */
  mark(marking: Marking): void {
    // It is looked at to be marked.
    if (this.#isMarking) return;
    this.#isMarking = true;
    try {
      const missing = missingMarks(
        this.#c.res.headers,
        this.#holdsToken ? { ...marking, opens: true } : marking,
        this.#mixed,
      );
      if (!missing) return;
      const headers = this.#ownHeaders({ isPersonal: false });
      if (typeof headers !== "string") addMarks(headers, missing);
    } finally {
      this.#isMarking = false;
    }
  }

  /**
   * Adds to the headers what is for one user alone.
   *
   * @param add Adds it.
   * @param marking The marks for caches.
   * @returns Why nothing can be added, if the headers are fixed.
   * @throws {TypeError} When the body of the response can't be sent any more.
   */
  send(add: (headers: Headers) => void, marking: Marking | undefined): string | undefined {
    const mixed = this.#mixed;
    const headers = this.#ownHeaders({ isPersonal: true });
    if (typeof headers === "string") return headers;
    add(headers);
    if (marking) addMarks(headers, missingMarks(headers, marking, mixed));
    return undefined;
  }

  /** Puts an empty response in the place of this one, with what other middleware said of it. */
  drop(): void {
    const { res } = this.#c;
    cancelBody(res);
    const headers = new Headers(res.headers);
    for (const name of OF_THE_BODY) headers.delete(name);
    headers.set("cache-control", "no-store");
    this.#replace(new Response(null, { headers }));
  }

  /** The headers of a response that is this request's alone, a copy if need be; or the reason why they can't be changed. */
  #ownHeaders({ isPersonal }: { isPersonal: boolean }): Headers | string {
    const c = this.#c;
    const { res } = c;
    // What has no body can be sent again and again, so it may be kept as well.
    const isOwn = !c.finalized || !isPersonal && res === this.#made && this.#body !== null;
    if (isOwn) return res.headers;
    const state = fixedState(res);
    if (state) return state;
    const copy = this.#copy(res);
    this.#replace(copy);
    return copy.headers;
  }

  /**
   * Notes what Hono makes: a copy of the same text takes a fraction of the time of one of the same stream, for
   * servers as well.
   */
  #watch(makers: Makers): void {
    const { body, html, json, newResponse, text } = makers;
    // As literals they would be kept, and the request with them, until all garbage is collected.
    const makeText: Make = (data, arg, headers) => this.#note(text(data, arg, headers), data);
    const makeBody: Make = (data, arg, headers) =>
      this.#note(body(this.#watched(data), arg, headers), data);
    const makeResponse: Make = (data, arg, headers) =>
      this.#note(newResponse(this.#watched(data), arg, headers), data);
    const makeJson: Make = (data, arg, headers) => this.#note(json(data, arg, headers), UNKNOWN);
    const makeHtml: Make = (data, arg, headers) => {
      const made = html(data, arg, headers);
      if (!isPromiseLike(made)) return this.#note(made, data);
      made.then((made) => this.#note(made, UNKNOWN), () => {});
      return made;
    };
    makers.text = makeText;
    makers.body = makeBody;
    makers.newResponse = makeResponse;
    makers.json = makeJson;
    makers.html = makeHtml;
  }

  #watched(data: unknown): unknown {
    return data instanceof ReadableStream ? this.#watchers.reduce(watchEnd, data) : data;
  }

  #note(made: Response, body: unknown): Response {
    this.#made = made;
    this.#body = body ?? null;
    return made;
  }

  #copy(response: Response): Response {
    const known = response === this.#made ? this.#body : UNKNOWN;
    if (known === null || typeof known === "string") {
      return this.#note(new Response(known, response), known);
    }
    const { body } = response;
    if (response.bodyUsed || body?.locked) {
      throw new TypeError(
        "Cannot add headers of session to response: its body was used before; return a new Response for each request",
      );
    }
    return this.#note(new Response(body, response), body && UNKNOWN);
  }

  #replace(response: Response): void {
    // Or Hono would mix the headers of the two.
    this.#c.res = undefined;
    this.#c.res = response;
  }
}

/** A copy of a response with other headers. */
export function withHeaders(response: Response, change: (headers: Headers) => void): Response {
  const copy = new Response(response.body, response);
  change(copy.headers);
  return copy;
}

/** Why the headers of a response can't be changed, if they can't. */
function fixedState({ status, headers }: Response): string | undefined {
  if (status === 101) {
    return "the response is an upgrade with fixed headers; change the session in another request";
  }
  if (status < 200) return "the response is a network error; return another one";
  // Of @hono/node-server, which would send a copy once more.
  if (headers.has("x-hono-already-sent")) {
    return "the handler has sent the response by itself; change the session before that, in another request";
  }
  return undefined;
}
