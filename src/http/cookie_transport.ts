import { CHUNK_OVERHEAD, LARGEST_COOKIE, MOST_CHUNKS } from "../util/cookie_limits.ts";
import type { CookieTemplate } from "./cookie_attributes.ts";
import { findAll } from "./cookie_header.ts";

const CHUNKED_REGEXP = new RegExp(`^([2-${MOST_CHUNKS}])~(.*)$`, "s");

/** Options of {@linkcode CookieTransport}. */
export interface CookieTransportOptions {
  readonly cookie: CookieTemplate;
  /** The same cookie in its former scopes. */
  readonly former?: readonly CookieTemplate[];
  /** The cookie of another library, whose sessions are adopted. */
  readonly adopted?: CookieTemplate | undefined;
  /** The cookie that shows scripts that there is a session. */
  readonly exists?: CookieTemplate | undefined;
  readonly existsFormer?: readonly CookieTemplate[];
  /** The largest number of cookies over which a token is split. */
  readonly chunks: number;
  /** The name of the cookie that proves the device of a session, if there is one. */
  readonly deviceName?: string | undefined;
}

/** The headers of a request and of its response. */
export interface Exchange {
  readonly request: Headers;
  readonly response: Headers;
}

/** A token that is sent to the client. */
export interface SentToken {
  readonly token: string;
  /** The lifetime of the cookie, in seconds; `undefined` for a cookie that browsers drop when they close. */
  readonly maxAge: number | undefined;
  /** The cookie in which it is sent. */
  readonly cookie: CookieTemplate;
  /** The cookie in which the client holds the previous token. */
  readonly held: CookieTemplate;
}

/**
 * Transports a token in a cookie. A token that is too large for one cookie is split: `sid=3~…`, `sid.1=…`,
 * `sid.2=…`. The client controls the number of chunks, so it is limited, and chunks that don't belong together
 * are not a valid token.
 */
export class CookieTransport {
  readonly cookie: CookieTemplate;
  /** The same cookie in its former scopes. */
  readonly former: readonly CookieTemplate[];
  /** The names of all cookies that may be set. */
  readonly names: readonly string[];
  readonly #options: CookieTransportOptions;
  /** The names of the cookies over which a token may be split. */
  readonly #names: readonly string[];

  constructor(options: CookieTransportOptions) {
    const { cookie, former = [], exists, chunks, deviceName } = options;
    this.cookie = cookie;
    this.former = former;
    this.#options = options;
    this.#names = Array.from({ length: chunks }, (_, index) => this.#chunkName(index));
    this.names = [...this.#names, exists?.name, deviceName].filter((name) => name !== undefined);
  }

  /** Returns the first tokens that a request presents, valid or not. */
  read(headers: Headers): readonly string[] {
    const values = findAll(headers, this.cookie.name);
    return this.#names.length === 1 ? values : this.#joined(headers, values);
  }

  /**
   * Returns the tokens that first chunks and other chunks may form, the likeliest first: browsers send cookies of one
   * scope in the same order. If a chunk is missing, the token is the first chunk alone, which is not valid.
   */
  #joined(headers: Headers, values: readonly string[]): readonly string[] {
    const rest = Array.from(
      { length: MOST_CHUNKS - 1 },
      (_, index) => findAll(headers, this.#chunkName(index + 1)),
    );
    const sets = Math.max(1, ...rest.map((parts) => parts.length));
    const join = (value: string, set: number) => {
      const [, count, first] = CHUNKED_REGEXP.exec(value) ?? [];
      const parts = rest.slice(0, Number(count) - 1).map((parts) => parts[set] ?? parts.at(-1));
      return first === undefined || parts.includes(undefined) ? value : first + parts.join("");
    };
    const tokens = Array.from(
      { length: sets },
      (_, turn) => values.map((value, at) => join(value, (at + turn) % sets)),
    );
    return [...new Set(tokens.flat())];
  }

  /** Returns the tokens that a response already sends. */
  sent(response: Headers): readonly string[] {
    const pairs = response.getSetCookie()
      .map((line) => line.split(";", 1)[0]!)
      .filter((pair) => !pair.endsWith("="));
    return this.read(new Headers({ cookie: pairs.join("; ") }));
  }

  /** Checks whether a response already expires the cookie that the client holds. */
  isCleared(response: Headers, held: CookieTemplate): boolean {
    return response.getSetCookie().includes(held.serialize("", { maxAge: 0 }));
  }

  /**
   * Sends a token with a response.
   *
   * @returns The size of the token in the headers, in bytes.
   */
  write(headers: Exchange, { token, maxAge, cookie, held }: SentToken): number {
    const { response } = headers;
    const { exists } = this.#options;
    const parts = this.#split(token);
    this.#remove(response);
    // Otherwise the browser would keep both.
    const isMoved = !cookie.isSameAs(held);
    expirePresented(headers, held, this.#names.slice(isMoved ? 0 : parts.length));
    this.#expireFormer(headers, cookie);
    let bytes = 0;
    for (const [index, part] of parts.entries()) {
      const line = cookie.serialize(part, { name: this.#chunkName(index), maxAge });
      response.append("set-cookie", line);
      bytes += line.length;
    }
    if (exists) response.append("set-cookie", exists.serialize("1", { maxAge }));
    this.#expireAdopted(headers, cookie);
    return bytes;
  }

  /** Expires the cookie that the client holds. */
  clear(headers: Exchange, held: CookieTemplate): void {
    const { response } = headers;
    const { exists } = this.#options;
    this.#remove(response);
    this.#expireAll(headers, held);
    this.#expireFormer(headers, held);
    this.clearDevice(headers, held);
    if (exists) expire(response, exists);
    this.#expireAdopted(headers, held);
  }

  /** Expires the cookie that proves the device of the client's session, if the request has one. */
  clearDevice(headers: Exchange, held: CookieTemplate): void {
    const { deviceName } = this.#options;
    if (deviceName) expirePresented(headers, held, [deviceName]);
  }

  /** Expires the cookie of another library. */
  #expireAdopted(headers: Exchange, now: CookieTemplate): void {
    const { adopted } = this.#options;
    if (adopted && !adopted.isSameAs(now)) expirePresented(headers, adopted, [adopted.name]);
  }

  /** Expires the cookies of former scopes. */
  #expireFormer(headers: Exchange, now: CookieTemplate): void {
    const { existsFormer = [] } = this.#options;
    for (const former of this.former) {
      if (!former.isSameAs(now)) this.#expireAll(headers, former);
    }
    for (const former of existsFormer) expire(headers.response, former);
  }

  /** Expires a cookie, and the chunks that the request has beside it. */
  #expireAll(headers: Exchange, cookie: CookieTemplate): void {
    expire(headers.response, cookie);
    expirePresented(headers, cookie, this.#names.slice(1));
  }

  /** Removes the session's cookies from a response. */
  #remove(response: Headers): void {
    const lines = response.getSetCookie();
    response.delete("set-cookie");
    for (const line of lines) {
      const isOwn = this.names.some((name) => line.startsWith(`${name}=`));
      if (!isOwn) response.append("set-cookie", line);
    }
  }

  #split(token: string): string[] {
    const whole = LARGEST_COOKIE - this.cookie.name.length - 1;
    if (this.#names.length === 1 || encodeURIComponent(token).length <= whole) return [token];
    const parts: string[] = [];
    let room = 0;
    for (const character of token) {
      const size = encodeURIComponent(character).length;
      if (size > room) {
        parts.push("");
        room = whole - CHUNK_OVERHEAD;
      }
      parts[parts.length - 1] += character;
      room -= size;
    }
    return [`${parts.length}~${parts[0]}`, ...parts.slice(1)];
  }

  #chunkName(index: number): string {
    return index === 0 ? this.cookie.name : `${this.cookie.name}.${index}`;
  }
}

function expire(response: Headers, cookie: CookieTemplate, name?: string): void {
  response.append("set-cookie", cookie.serialize("", { name, maxAge: 0 }));
}

/** Expires a cookie under each of some names, if the request has a cookie of that name. */
function expirePresented(
  { request, response }: Exchange,
  cookie: CookieTemplate,
  names: readonly string[],
): void {
  for (const name of names) {
    if (findAll(request, name).length > 0) expire(response, cookie, name);
  }
}
