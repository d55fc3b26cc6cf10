import { type CookieOptions, parse, serialize } from "hono/utils/cookie";
import type { Exchange, SentToken, Transport } from "./transport.ts";

/**
 * The attributes of a session cookie: Hono's cookie options. `maxAge` and `expires` are not among them,
 * they follow the session.
 *
 * @example Usage
 * ```ts
 * import { session, type SessionCookieOptions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 *
 * const cookieOptions: SessionCookieOptions = { prefix: "host", sameSite: "Strict" };
 * session({ store: new MapStore(), cookieOptions });
 * ```
 */
export interface SessionCookieOptions {
  /** The domain that gets the cookie with its subdomains; only the host itself when absent. */
  domain?: string;
  /**
   * Whether scripts can't read it.
   *
   * @default {true}
   */
  httpOnly?: boolean;
  /** Whether it is kept apart for each top-level site (CHIPS). Needs `secure`. */
  partitioned?: boolean;
  /**
   * The path that gets it.
   *
   * @default {"/"}
   */
  path?: string;
  /** `"host"` or `"secure"`: the name begins with `__Host-` or `__Secure-`, and browsers hold it to that. */
  prefix?: "host" | "secure";
  /** Which cookies a browser drops first. */
  priority?: "Low" | "Medium" | "High" | "low" | "medium" | "high";
  /**
   * Which requests from other sites get it.
   *
   * @default {"Lax"}
   */
  sameSite?: "Strict" | "Lax" | "None" | "strict" | "lax" | "none";
  /**
   * Whether it travels over HTTPS only. Browsers make an exception of `localhost`, most of them.
   *
   * @default {true}
   */
  secure?: boolean;
}

/** The defaults of a session cookie (ASVS 5.0, 3.3). */
const COOKIE_DEFAULTS = Object.freeze({
  httpOnly: true,
  path: "/",
  sameSite: "Lax",
  secure: true,
}) satisfies SessionCookieOptions;

const PREFIXES = { host: "__Host-", secure: "__Secure-" };

/** What browsers keep of one cookie, name and value together, in bytes (RFC 6265bis, 5.6). */
const LARGEST_COOKIE = 4096;
/** What a chunk takes beside its part of the token: the suffix of its name, or the mark of how many there are. */
const CHUNK_OVERHEAD = 2;
const CHUNKED_REGEXP = /^([2-4])~(.*)$/s;

/** Options of {@linkcode CookieTransport}. */
export interface CookieTransportOptions {
  readonly name: string;
  readonly attributes: SessionCookieOptions;
  /** Over how many cookies a token may be split. */
  readonly chunks: number;
}

/**
 * A token in a cookie. One that is too large for one cookie is split: `sid=3~…`, `sid.1=…`, `sid.2=…`. The
 * number of chunks is the client's word, so it is bounded, and chunks that don't belong together open nothing.
 */
export class CookieTransport implements Transport {
  readonly name: string;
  readonly #attributes: CookieOptions;
  readonly #chunks: number;

  /** @throws {Error} When a browser would refuse the cookie. */
  constructor({ name, attributes, chunks }: CookieTransportOptions) {
    const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
    const { prefix, ...rest }: SessionCookieOptions = {
      ...COOKIE_DEFAULTS,
      ...Object.fromEntries(given),
    };
    this.name = prefix ? PREFIXES[prefix] + name : name;
    // Hono's options are a union over `partitioned` that can't be built up member by member.
    this.#attributes = rest as CookieOptions;
    this.#chunks = chunks;
    this.#serialize(this.name, "", 0);
  }

  read(headers: Headers): string | undefined {
    const header = headers.get("cookie");
    if (header === null) return undefined;
    const value = find(header, this.name);
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

  write(headers: Exchange, { token, maxAge }: SentToken): void {
    const parts = this.#split(token);
    const cookies = parts.map((part, index) => {
      const value = index === 0 && parts.length > 1 ? `${parts.length}~${part}` : part;
      return this.#serialize(this.#chunkName(index), value, maxAge);
    });
    this.#replace(headers, cookies);
  }

  clear(headers: Exchange): void {
    this.#replace(headers, [this.#serialize(this.name, "", 0)]);
  }

  /** Puts cookies in the place of any others of their names, and expires chunks that are no longer used. */
  #replace({ request, response }: Exchange, cookies: string[]): void {
    const names = Array.from({ length: this.#chunks }, (_, index) => this.#chunkName(index));
    const others = response.getSetCookie()
      .filter((other) => !names.some((name) => other.startsWith(`${name}=`)));
    const presented = request.get("cookie") ?? "";
    const unused = names.slice(cookies.length).filter((name) =>
      find(presented, name) !== undefined
    );
    response.delete("set-cookie");
    for (const other of others) response.append("set-cookie", other);
    for (const cookie of cookies) response.append("set-cookie", cookie);
    for (const name of unused) response.append("set-cookie", this.#serialize(name, "", 0));
  }

  #serialize(name: string, value: string, maxAge: number | undefined): string {
    return serialize(
      name,
      value,
      maxAge === undefined ? this.#attributes : { ...this.#attributes, maxAge },
    );
  }

  #split(token: string): string[] {
    const whole = LARGEST_COOKIE - this.name.length - 1;
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
    return index === 0 ? this.name : `${this.name}.${index}`;
  }
}

function find(header: string, name: string): string | undefined {
  return parse(header, name)[name];
}
