import { type CookieOptions, serialize } from "hono/utils/cookie";
import { refuse } from "../util/option_errors.ts";
import { checkTable, type OptionTable } from "../util/option_table.ts";
import { definedOf } from "../util/property.ts";
import { BOOLEAN, textLike } from "../util/shapes.ts";
import { withPrefix } from "./cookie_prefix.ts";

/**
 * The attributes of a session cookie: Hono's cookie options without `maxAge` and `expires`, which follow the
 * session.
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
  /** The domain to which the cookie is sent, including its subdomains. Only the host itself when absent. */
  domain?: string;
  /**
   * Hides the cookie from scripts.
   *
   * @default {true}
   */
  httpOnly?: boolean;
  /**
   * The scopes that the cookie had in earlier releases of the application. Browsers keep those cookies and send
   * them together with the new one. Therefore they are expired whenever the cookie is set, and at every logout,
   * as long as their scopes are listed here.
   *
   * @default {[]}
   */
  former?: readonly FormerCookieScope[];
  /** Keeps a separate cookie for each top-level site (CHIPS). Requires `secure`. */
  partitioned?: boolean;
  /**
   * The path to which the cookie is sent.
   *
   * @default {"/"}
   */
  path?: string;
  /**
   * `"host"` or `"secure"`: the name starts with `__Host-` or `__Secure-`, and browsers enforce the rules of
   * the prefix.
   */
  prefix?: "host" | "secure";
  /** The order in which a browser evicts cookies. */
  priority?: "Low" | "Medium" | "High" | "low" | "medium" | "high";
  /**
   * The requests from other sites to which the cookie is sent.
   *
   * @default {"Lax"}
   */
  sameSite?: "Strict" | "Lax" | "None" | "strict" | "lax" | "none";
  /**
   * Sends the cookie over HTTPS only. Most browsers make an exception for `localhost`.
   *
   * @default {true}
   */
  secure?: boolean;
}

/**
 * A former scope of a cookie: the `domain`, `path` and `partitioned` that `cookieOptions` had.
 *
 * @example The cookie moves to the parent domain
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
  /** The former domain; only the host itself when absent. */
  domain?: string;
  /**
   * The former path.
   *
   * @default {"/"}
   */
  path?: string;
  /**
   * Whether there was a separate cookie for each top-level site.
   *
   * @default {false}
   */
  partitioned?: boolean;
}

/** The attributes of a cookie whose name is final. */
export type CookieAttributes = Omit<SessionCookieOptions, "prefix" | "former">;

const FOLLOWS_SESSION = "it follows the session, see maxAge";

/** The valid values of a scope. Browsers ignore or reject others (RFC 6265bis, 5.6.3 and 5.6.4). */
export const SCOPE_SHAPES = {
  domain: textLike("a domain", /^(?=.{1,253}$)\.?[\w-]+(\.[\w-]+)*$/),
  path: textLike('a path that begins with "/"', /^\/[\x20-\x3a\x3c-\x7e]{0,1023}$/),
  partitioned: BOOLEAN,
} satisfies OptionTable["shapes"];

/** The valid values of the attributes of a cookie. */
export const ATTRIBUTES = {
  shapes: {
    ...SCOPE_SHAPES,
    httpOnly: BOOLEAN,
    priority: textLike('"Low", "Medium" or "High"', /^(?:low|medium|high)$/i),
    sameSite: textLike('"Strict", "Lax" or "None"', /^(?:strict|lax|none)$/i),
    secure: BOOLEAN,
  },
  instead: { maxAge: FOLLOWS_SESSION, expires: FOLLOWS_SESSION, name: "use cookieName" },
} satisfies Pick<OptionTable, "shapes" | "instead">;

const CHANGES: OptionTable = {
  action: "change session cookie",
  ...ATTRIBUTES,
  instead: { ...ATTRIBUTES.instead, prefix: "its name can't change" },
};

/** The defaults of a session cookie (ASVS 5.0, 3.3). */
const DEFAULTS = {
  httpOnly: true,
  path: "/",
  sameSite: "Lax",
  secure: true,
} as const satisfies SessionCookieOptions;

/** The attributes that distinguish cookies of the same name (RFC 6265bis, 5.7; CHIPS). */
const SCOPE = Object.keys(SCOPE_SHAPES) as (keyof typeof SCOPE_SHAPES)[];

/** A value that needs no percent-encoding. */
const PLAIN_REGEXP = /^[\w.~-]*$/;

/** Refuses an attribute, or a combination of attributes that browsers reject although each is valid. */
export type RefuseAttribute = (attribute: string, state: string) => never;

const refuseChange: RefuseAttribute = (attribute, state) => refuse(attribute, state, CHANGES);

/** Options of {@linkcode CookieTemplate}. */
interface CookieTemplateOptions extends Omit<SessionCookieOptions, "former"> {
  /** The name, without the prefix. */
  readonly name: string;
  /** Called with `cookie` as the attribute if the fault concerns the name or several attributes. */
  readonly refuse?: RefuseAttribute | undefined;
}

/** The name and the attributes of a cookie. */
export class CookieTemplate {
  readonly name: string;
  readonly attributes: Readonly<CookieAttributes>;
  #last: { name: string; maxAge: number | undefined; ending: string } | undefined;

  /** @throws {TypeError} When a browser would reject the cookie. */
  constructor({ name, prefix, refuse = refuseChange, ...options }: CookieTemplateOptions) {
    const attributes: CookieAttributes = { ...DEFAULTS, ...definedOf(options) };
    this.name = prefix ? withPrefix(name, prefix) ?? refuse("prefix", "the name has one") : name;
    this.attributes = Object.freeze(attributes);
    if (attributes.sameSite?.toLowerCase() === "none" && !attributes.secure) {
      refuse("sameSite", '"None" requires secure');
    }
    try {
      this.serialize("");
    } catch (cause) {
      refuse("cookie", (cause as Error).message);
    }
  }

  /**
   * Returns the cookie with some attributes changed.
   *
   * @throws {TypeError} When an attribute is invalid, or a browser would reject the cookie.
   */
  with(changes: CookieAttributes): CookieTemplate {
    const { attributes, name } = this;
    return new CookieTemplate({ ...attributes, ...checkTable(CHANGES, changes), name });
  }

  /**
   * Returns the cookie in another scope, and of another name if one is given.
   *
   * @throws {TypeError} When a browser would reject the cookie.
   */
  inScope(
    scope: FormerCookieScope,
    { name = this.name, refuse }: { name?: string; refuse: RefuseAttribute },
  ): CookieTemplate {
    const { domain: _, path: __, partitioned: ___, ...attributes } = this.attributes;
    return new CookieTemplate({ ...attributes, ...scope, name, refuse });
  }

  /** Checks whether a browser treats two cookies as one. */
  isSameAs(other: CookieTemplate): boolean {
    return other === this ||
      other.name === this.name &&
        SCOPE.every((name) =>
          (other.attributes[name] ?? false) === (this.attributes[name] ?? false)
        );
  }

  /** Returns the value of a `Set-Cookie` header for a cookie with a lifetime of `maxAge` seconds. */
  serialize(
    value: string,
    { name = this.name, maxAge }: { name?: string | undefined; maxAge?: number | undefined } = {},
  ): string {
    // Most tokens need no encoding: this avoids a copy.
    const encoded = PLAIN_REGEXP.test(value) ? value : encodeURIComponent(value);
    return `${name}=${encoded}${this.#ending(name, maxAge)}`;
  }

  /** Returns the attributes part of the header. It is cached: cookies with the same name and `maxAge` share it. */
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
