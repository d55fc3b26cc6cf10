import { parse } from "hono/utils/cookie";
import type { CookieTemplate } from "./cookie_attributes.ts";
import type { Exchange, SentToken, Transport } from "./transport.ts";

/** What browsers keep of one cookie, name and value together, in bytes (RFC 6265bis, 5.6). */
const LARGEST_COOKIE = 4096;
/** What a chunk takes beside its part of the token: the suffix of its name, or the mark of how many there are. */
const CHUNK_OVERHEAD = 2;
const CHUNKED_REGEXP = /^([2-4])~(.*)$/s;

/** Options of {@linkcode CookieTransport}. */
export interface CookieTransportOptions {
  readonly cookie: CookieTemplate;
  /** A cookie for scripts that tells that there is a session. */
  readonly exists?: CookieTemplate | undefined;
  /** Over how many cookies a token may be split. */
  readonly chunks: number;
}

/**
 * A token in a cookie. One that is too large for one cookie is split: `sid=3~…`, `sid.1=…`, `sid.2=…`. The
 * number of chunks is the client's word, so it is bounded, and chunks that don't belong together open nothing.
 */
export class CookieTransport implements Transport {
  readonly cookie: CookieTemplate;
  readonly #exists: CookieTemplate | undefined;
  readonly #chunks: number;
  readonly #names: readonly string[];

  constructor({ cookie, exists, chunks }: CookieTransportOptions) {
    this.cookie = cookie;
    this.#exists = exists;
    this.#chunks = chunks;
    this.#names = Array.from({ length: chunks }, (_, index) => this.#chunkName(index));
  }

  read(headers: Headers): string | undefined {
    const header = headers.get("cookie");
    if (header === null) return undefined;
    const value = find(header, this.cookie.name);
    const [, count, first] = this.#chunks > 1 ? CHUNKED_REGEXP.exec(value ?? "") ?? [] : [];
    if (first === undefined) return value;
    let token = first;
    for (let index = 1; index < Number(count); index++) {
      const part = find(header, this.#chunkName(index));
      // The rest alone opens nothing.
      if (part === undefined) return value;
      token += part;
    }
    return token;
  }

  write(headers: Exchange, { token, maxAge, cookie, held }: SentToken): void {
    const parts = this.#split(token);
    const cookies = parts.map((part, index) => {
      const value = index === 0 && parts.length > 1 ? `${parts.length}~${part}` : part;
      return cookie.serialize(value, { name: this.#chunkName(index), maxAge });
    });
    // Or the browser would keep both.
    const moved = !cookie.hasScopeOf(held);
    const unused = this.#presented(headers, moved ? 0 : cookies.length);
    const { response } = this.#forget(headers, unused, held);
    for (const each of cookies) response.append("set-cookie", each);
    if (this.#exists) response.append("set-cookie", this.#exists.serialize("1", { maxAge }));
  }

  clear(headers: Exchange, held: CookieTemplate): void {
    const { response } = this.#forget(
      headers,
      [this.cookie.name, ...this.#presented(headers, 1)],
      held,
    );
    if (this.#exists) response.append("set-cookie", this.#exists.serialize("", { maxAge: 0 }));
  }

  /** The names of the cookies that the request came with, but for the first ones. */
  #presented({ request }: Exchange, from: number): string[] {
    const header = request.get("cookie") ?? "";
    return this.#names.slice(from).filter((name) => find(header, name) !== undefined);
  }

  /** Takes back what was said of the cookies of the session, and expires those of some names. */
  #forget({ request, response }: Exchange, expired: string[], held: CookieTemplate): Exchange {
    const names = this.#exists ? [...this.#names, this.#exists.name] : this.#names;
    const others = response.getSetCookie()
      .filter((other) => !names.some((name) => other.startsWith(`${name}=`)));
    response.delete("set-cookie");
    for (const other of others) response.append("set-cookie", other);
    for (const name of expired) {
      response.append("set-cookie", held.serialize("", { name, maxAge: 0 }));
    }
    return { request, response };
  }

  #split(token: string): string[] {
    const whole = LARGEST_COOKIE - this.cookie.name.length - 1;
    if (this.#chunks === 1 || encodeURIComponent(token).length <= whole) return [token];
    const parts = [""];
    let room = whole - CHUNK_OVERHEAD;
    for (const character of token) {
      const size = encodeURIComponent(character).length;
      if (size > room) {
        parts.push("");
        room = whole - CHUNK_OVERHEAD;
      }
      parts[parts.length - 1] += character;
      room -= size;
    }
    return parts;
  }

  #chunkName(index: number): string {
    return index === 0 ? this.cookie.name : `${this.cookie.name}.${index}`;
  }
}

function find(header: string, name: string): string | undefined {
  return parse(header, name)[name];
}
