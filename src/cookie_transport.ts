import { type CookieOptions, parse, serialize } from "hono/utils/cookie";
import type { Transport } from "./transport.ts";

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
export const COOKIE_DEFAULTS = Object.freeze({
  httpOnly: true,
  path: "/",
  sameSite: "Lax",
  secure: true,
}) satisfies SessionCookieOptions;

const PREFIXES = { host: "__Host-", secure: "__Secure-" };

/** Options of {@linkcode CookieTransport}. */
export interface CookieTransportOptions {
  readonly name: string;
  readonly attributes: SessionCookieOptions;
}

/** A token in a cookie. */
export class CookieTransport implements Transport {
  readonly name: string;
  readonly #attributes: CookieOptions;

  /** @throws {Error} When a browser would refuse the cookie. */
  constructor({ name, attributes }: CookieTransportOptions) {
    const { prefix, ...rest } = { ...COOKIE_DEFAULTS, ...attributes };
    this.name = prefix ? PREFIXES[prefix] + name : name;
    // Hono's options are a union over `partitioned` that can't be built up member by member.
    this.#attributes = rest as CookieOptions;
    this.#serialize("", 0);
  }

  read(headers: Headers): string | undefined {
    const header = headers.get("cookie");
    return header === null ? undefined : parse(header, this.name)[this.name];
  }

  write(headers: Headers, token: string, maxAge: number | undefined): void {
    this.#replace(headers, this.#serialize(token, maxAge));
  }

  clear(headers: Headers): void {
    this.#replace(headers, this.#serialize("", 0));
  }

  #serialize(value: string, maxAge: number | undefined): string {
    return serialize(
      this.name,
      value,
      maxAge === undefined ? this.#attributes : { ...this.#attributes, maxAge },
    );
  }

  /** Puts a cookie in the place of any other of its name, so that there is exactly one. */
  #replace(headers: Headers, cookie: string): void {
    const others = headers.getSetCookie().filter((other) => !other.startsWith(`${this.name}=`));
    headers.delete("set-cookie");
    for (const other of others) headers.append("set-cookie", other);
    headers.append("set-cookie", cookie);
  }
}
