import { CHUNK_OVERHEAD, LARGEST_COOKIE, MOST_CHUNKS } from "../util/cookie_limits.ts";
import type { CookieTemplate } from "./cookie_attributes.ts";
import { findAll } from "./cookie_header.ts";

const NONE: readonly string[] = [];
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
  readonly #adopted: CookieTemplate | undefined;
  readonly #exists: CookieTemplate | undefined;
  readonly #existsFormer: readonly CookieTemplate[];
  readonly #chunks: number;
  readonly #deviceName: string | undefined;
  /** The names of all cookies that may be set. */
  readonly names: readonly string[];
  /** The names of the cookies over which a token may be split. */
  readonly #names: readonly string[];

  constructor(options: CookieTransportOptions) {
    const { cookie, former = [], adopted, exists, existsFormer = [], chunks, deviceName } = options;
    this.cookie = cookie;
    this.former = former;
    this.#adopted = adopted;
    this.#exists = exists;
    this.#existsFormer = existsFormer;
    this.#chunks = chunks;
    this.#deviceName = deviceName;
    this.#names = Array.from({ length: chunks }, (_, index) => this.#chunkName(index));
    const others = [exists?.name, deviceName].filter((name) => name !== undefined);
    this.names = others.length > 0 ? [...this.#names, ...others] : this.#names;
  }

  /** Returns the first tokens that a request presents, valid or not. */
  read(headers: Headers): readonly string[] {
    const header = headers.get("cookie");
    if (header === null) return NONE;
    const values = findAll(header, this.cookie.name);
    return this.#chunks === 1 ? values : this.#joined(header, values);
  }

  /** Returns the tokens that the first chunks in a header may begin. */
  #joined(header: string, values: readonly string[]): readonly string[] {
    const sets = values.map((value, at) => this.#wholes(header, value, at));
    return [...new Set([...sets.map(([likeliest]) => likeliest!), ...sets.flat()])];
  }

  /**
   * Returns the tokens that a first chunk and other chunks may form, the likeliest first: browsers send cookies
   * of one scope in the same order. When the rest is missing, it is the chunk alone, which is not a valid
   * token.
   */
  #wholes(header: string, value: string, at: number): readonly string[] {
    const [, count, first] = CHUNKED_REGEXP.exec(value) ?? [];
    if (first === undefined) return [value];
    const rest = Array.from(
      { length: Number(count) - 1 },
      (_, index) => findAll(header, this.#chunkName(index + 1)),
    );
    if (rest.some((parts) => parts.length === 0)) return [value];
    const sets = Math.max(...rest.map((parts) => parts.length));
    return Array.from({ length: sets }, (_, turn) => {
      const set = (at + turn) % sets;
      return first + rest.map((parts) => parts[set] ?? parts.at(-1)).join("");
    });
  }

  /** Returns the tokens that a response already sends. */
  sent(response: Headers): readonly string[] {
    const pairs = response.getSetCookie()
      .map((line) => line.slice(0, line.indexOf(";")))
      .filter((pair) =>
        this.#names.some((name) => pair.startsWith(`${name}=`) && pair.length > name.length + 1)
      );
    return pairs.length === 0 ? NONE : this.read(new Headers({ cookie: pairs.join("; ") }));
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
    const parts = this.#split(token);
    const { length } = parts;
    // Otherwise the browser would keep both.
    const moved = !cookie.hasScopeOf(held);
    this.#forget(headers, this.#presented(headers, moved ? 0 : length), held);
    this.#forgetFormer(headers, cookie);
    const { response } = headers;
    let bytes = 0;
    for (let index = 0; index < length; index++) {
      const value = index === 0 && length > 1 ? `${length}~${parts[index]}` : parts[index]!;
      const line = cookie.serialize(value, { name: this.#chunkName(index), maxAge });
      response.append("set-cookie", line);
      bytes += line.length;
    }
    if (this.#exists) response.append("set-cookie", this.#exists.serialize("1", { maxAge }));
    this.#forgetAdopted(headers, cookie);
    return bytes;
  }

  /** Expires the cookie that the client holds. */
  clear(headers: Exchange, held: CookieTemplate): void {
    this.#forget(headers, [this.cookie.name, ...this.#presented(headers, 1)], held);
    this.#forgetFormer(headers, held);
    this.clearDevice(headers, held);
    if (this.#exists) {
      headers.response.append("set-cookie", this.#exists.serialize("", { maxAge: 0 }));
    }
    this.#forgetAdopted(headers, held);
  }

  /** Expires the cookie that proves the device of the client's session, if the request has one. */
  clearDevice(headers: Exchange, held: CookieTemplate): void {
    const name = this.#deviceName;
    if (!name || !this.#presents(headers, name)) return;
    headers.response.append("set-cookie", held.serialize("", { name, maxAge: 0 }));
  }

  /** Returns the names of the cookies in the request, without the first ones. */
  #presented(headers: Exchange, from: number): readonly string[] {
    const names: string[] = [];
    for (let at = from; at < this.#names.length; at++) {
      if (this.#presents(headers, this.#names[at]!)) names.push(this.#names[at]!);
    }
    return names;
  }

  #presents({ request }: Exchange, name: string): boolean {
    return findAll(request.get("cookie") ?? "", name).length > 0;
  }

  /** Removes the session's cookies from a response, and expires those of some names. */
  #forget({ response }: Exchange, expired: readonly string[], held: CookieTemplate): void {
    if (response.has("set-cookie")) this.#removeFrom(response);
    for (const name of expired) {
      response.append("set-cookie", held.serialize("", { name, maxAge: 0 }));
    }
  }

  #removeFrom(response: Headers): void {
    const { names } = this;
    const others = response.getSetCookie()
      .filter((other) => !names.some((name) => other.startsWith(`${name}=`)));
    response.delete("set-cookie");
    for (const other of others) response.append("set-cookie", other);
  }

  /** Expires the cookie of another library. */
  #forgetAdopted(headers: Exchange, now: CookieTemplate): void {
    const adopted = this.#adopted;
    if (!adopted || adopted.isSameAs(now) || !this.#presents(headers, adopted.name)) return;
    headers.response.append("set-cookie", adopted.serialize("", { maxAge: 0 }));
  }

  /** Expires the cookies of former scopes. */
  #forgetFormer(headers: Exchange, now: CookieTemplate): void {
    const { response } = headers;
    for (const former of this.former) {
      if (former.hasScopeOf(now)) continue;
      for (const name of [this.cookie.name, ...this.#presented(headers, 1)]) {
        response.append("set-cookie", former.serialize("", { name, maxAge: 0 }));
      }
    }
    for (const former of this.#existsFormer) {
      response.append("set-cookie", former.serialize("", { maxAge: 0 }));
    }
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
