import { type CookieOptions, serialize } from "hono/utils/cookie";
import { checkTable, type OptionTable } from "../util/option_table.ts";
import { definedOf } from "../util/property.ts";
import { hasPrefix, PREFIXES } from "./cookie_prefix.ts";

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
  /**
   * The scopes that the cookie had in releases before this one. Browsers keep those cookies beside the new one and send both, so they
   * are expired with every write of the cookie and with every logout, for as long as the scopes stand here.
   *
   * @default {[]}
   */
  former?: readonly FormerCookieScope[];
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

/**
 * A scope that a cookie had before: what `cookieOptions` said then of its `domain`, `path` and `partitioned`.
 *
 * @example The cookie moves to the whole domain
 * ```ts
 * import { type FormerCookieScope, session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 *
 * const host: FormerCookieScope = {};
 * const cookieOptions = { domain: "example.com", former: [host, { path: "/shop" }] };
 * session({ store: new MapStore(), cookieOptions });
 * ```
 */
export interface FormerCookieScope {
  /** The domain; only the host itself when absent. */
  domain?: string;
  /**
   * The path.
   *
   * @default {"/"}
   */
  path?: string;
  /**
   * Whether it was kept apart for each top-level site.
   *
   * @default {false}
   */
  partitioned?: boolean;
}

/** The attributes of a cookie whose name is settled. */
export type CookieAttributes = Omit<SessionCookieOptions, "prefix" | "former">;

const FOLLOWS_SESSION = "it follows the session, see maxAge";

/** What a scope accepts, of texts that can be sent: browsers ignore or refuse others (RFC 6265bis, 5.6.3 and 5.6.4). */
export const SCOPE_SHAPES = {
  domain: [{ text: "a domain", pattern: /^(?=.{1,253}$)\.?[\w-]+(\.[\w-]+)*$/ }],
  path: [{ text: 'a path that begins with "/"', pattern: /^\/[\x20-\x3a\x3c-\x7e]{0,1023}$/ }],
  partitioned: ["boolean"],
} as const satisfies OptionTable["shapes"];

/** What the attributes of a cookie accept. */
export const ATTRIBUTES = {
  shapes: {
    ...SCOPE_SHAPES,
    httpOnly: ["boolean"],
    priority: [{ text: '"Low", "Medium" or "High"', pattern: /^(?:low|medium|high)$/i }],
    sameSite: [{ text: '"Strict", "Lax" or "None"', pattern: /^(?:strict|lax|none)$/i }],
    secure: ["boolean"],
  },
  instead: { maxAge: FOLLOWS_SESSION, expires: FOLLOWS_SESSION, name: "use cookieName" },
} as const satisfies Pick<OptionTable, "shapes" | "instead">;

const CHANGES: OptionTable = {
  action: "change session cookie",
  shapes: ATTRIBUTES.shapes,
  instead: { ...ATTRIBUTES.instead, prefix: "its name can't change" },
};

/** The defaults of a session cookie (ASVS 5.0, 3.3). */
const DEFAULTS = Object.freeze({
  httpOnly: true,
  path: "/",
  sameSite: "Lax",
  secure: true,
}) satisfies SessionCookieOptions;

/** What tells cookies of the same name apart (RFC 6265bis, 5.7; CHIPS). */
const SCOPE = Object.keys(SCOPE_SHAPES) as (keyof typeof SCOPE_SHAPES)[];

/** A value without anything to percent-encode. */
const PLAIN_REGEXP = /^[\w.~-]*$/;

/** What is wrong with the attributes of a cookie, each of which is what it should be. */
export class CookieAttributeError extends TypeError {
  readonly attribute: string;
  readonly state: string;

  constructor(attribute: string, state: string) {
    super(`Cannot change session cookie: ${attribute} is not valid: ${state}`);
    this.attribute = attribute;
    this.state = state;
  }
}

/** One cookie: its name, and the attributes that it is sent with. */
export class CookieTemplate {
  readonly name: string;
  readonly attributes: Readonly<CookieAttributes>;
  #last: { name: string; maxAge: number | undefined; ending: string } | undefined;

  /** @throws {CookieAttributeError} When a browser would refuse the cookie. */
  constructor(name: string, options: Omit<SessionCookieOptions, "former">) {
    const { prefix, ...attributes }: Omit<SessionCookieOptions, "former"> = {
      ...DEFAULTS,
      ...definedOf(options),
    };
    if (prefix && hasPrefix(name)) throw new CookieAttributeError("prefix", "the name has one");
    this.name = prefix ? PREFIXES[prefix] + name : name;
    this.attributes = Object.freeze(attributes);
    if (attributes.sameSite?.toLowerCase() === "none" && !attributes.secure) {
      throw new CookieAttributeError("sameSite", '"None" needs secure');
    }
    try {
      this.serialize("");
    } catch (cause) {
      throw new CookieAttributeError("cookie", cause instanceof Error ? cause.message : "");
    }
  }

  /**
   * The cookie of this name with some attributes changed.
   *
   * @throws {TypeError} When an attribute is not what it should be, or a browser would refuse the cookie.
   */
  with(changes: CookieAttributes): CookieTemplate {
    checkTable(CHANGES, changes);
    return new CookieTemplate(this.name, { ...this.attributes, ...definedOf(changes) });
  }

  /**
   * The cookie of this name in another scope.
   *
   * @throws {CookieAttributeError} When a browser would refuse the cookie.
   */
  inScope(scope: FormerCookieScope): CookieTemplate {
    const unscoped = { domain: undefined, path: undefined, partitioned: undefined };
    return new CookieTemplate(this.name, definedOf({ ...this.attributes, ...unscoped, ...scope }));
  }

  /** Whether a browser takes the two for one cookie, where both have the same name. */
  hasScopeOf(other: CookieTemplate): boolean {
    return other === this ||
      SCOPE.every((name) => (other.attributes[name] ?? false) === (this.attributes[name] ?? false));
  }

  /** The value of a `Set-Cookie` header, for a cookie that lives for `maxAge` seconds. */
  serialize(
    value: string,
    { name = this.name, maxAge }: { name?: string; maxAge?: number | undefined } = {},
  ): string {
    // A token needs no copy that says the same.
    const encoded = PLAIN_REGEXP.test(value) ? value : encodeURIComponent(value);
    return `${name}=${encoded}${this.#ending(name, maxAge)}`;
  }

  /** What follows the value: the same for all cookies of a name that are sent in the same second of their lives. */
  #ending(name: string, maxAge: number | undefined): string {
    if (this.#last?.name === name && this.#last.maxAge === maxAge) return this.#last.ending;
    // Hono's options are a union over `partitioned` that can't be built up member by member.
    const attributes = this.attributes as CookieOptions;
    const whole = serialize(
      name,
      "",
      maxAge === undefined ? attributes : { ...attributes, maxAge },
    );
    const ending = whole.slice(`${name}=`.length);
    this.#last = { name, maxAge, ending };
    return ending;
  }
}
