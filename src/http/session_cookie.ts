import { parseObject } from "../record/record.ts";
import { isPlainObject } from "../record/plain_object.ts";
import type { CookieTemplate, SessionCookieOptions } from "./cookie_attributes.ts";

/**
 * The cookie of one session, as `c.get("sessionCookie")`. Its attributes can be changed: a change is checked
 * immediately, is stored with the session, and makes the response send the cookie again.
 *
 * @example A session on a page that other sites embed
 * ```ts
 * import { session, type SessionCookie } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertMatch } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session<{ userId?: string }>({ store: new MapStore() }))
 *   .post("/login", (c) => {
 *     const cookie: SessionCookie = c.get("sessionCookie");
 *     cookie.sameSite = "None";
 *     cookie.partitioned = true;
 *     c.var.session.userId = "42";
 *     return c.text("welcome");
 *   });
 * const login = await app.request("/login", { method: "POST" });
 * assertMatch(login.headers.getSetCookie()[0]!, /SameSite=None; Partitioned/);
 * ```
 */
export interface SessionCookie extends Omit<SessionCookieOptions, "prefix" | "former"> {
  /**
   * The lifetime of the session, in seconds; `undefined` when browsers drop the cookie as they close. Changing
   * it renews the session, like `renew(maxAge)`.
   */
  maxAge?: number | undefined;
}

/** The session of a cookie. */
export interface CookieOwner {
  /** The changed attributes of its cookie, as JSON text. */
  cookie: string | undefined;
  readonly maxAge: number | undefined;
  renew(maxAge: number | "browser"): void;
}

/** Returns the cookie with the attributes that a session has changed. */
export function cookieOf(cookie: CookieTemplate, changes: string | undefined): CookieTemplate {
  if (changes === undefined) return cookie;
  try {
    return cookie.with(parseObject(changes));
  } catch {
    // Invalid attributes in a store must not make a session unusable.
    return cookie;
  }
}

/** The cookie and the session behind the visible attributes. */
export interface ShownCookie {
  readonly cookie: CookieTemplate;
  /** Holds the current session of the request, if there is one that can be changed. */
  readonly owner: { readonly state: CookieOwner | undefined; refuseChange(): never };
}

/** Makes the attributes of a session's cookie readable and writable. */
export function sessionCookie(
  cookie: CookieTemplate,
  owner: ShownCookie["owner"],
): SessionCookie {
  return new Proxy<Hidden>(new Hidden(cookie, owner), HANDLER) as SessionCookie;
}

/** Hides the cookie and the session from code that prints the attributes. */
class Hidden {
  readonly #cookie: CookieTemplate;
  readonly #owner: ShownCookie["owner"];

  constructor(cookie: CookieTemplate, owner: ShownCookie["owner"]) {
    this.#cookie = cookie;
    this.#owner = owner;
  }

  static shownBy(hidden: Hidden): ShownCookie {
    return { cookie: hidden.#cookie, owner: hidden.#owner };
  }

  [Symbol.for("Deno.customInspect")](inspect: Inspect, options: unknown): string {
    return inspect(Hidden.#printed(this), options);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): SessionCookie {
    return Hidden.#printed(this);
  }

  static #printed(hidden: object): SessionCookie {
    // Printing a proxy may call this with the proxy itself.
    return #owner in hidden ? attributesOf(Hidden.shownBy(hidden)) : { ...hidden };
  }
}

type Inspect = (value: unknown, options: unknown) => string;

const { shownBy } = Hidden;

function attributesOf({ cookie, owner: { state } }: ShownCookie): SessionCookie {
  const { attributes } = cookieOf(cookie, state?.cookie);
  return { ...attributes, ...(state?.maxAge === undefined ? {} : { maxAge: state.maxAge }) };
}

function change(shown: ShownCookie, name: string | symbol, value: unknown): true {
  replaceCookie(shown, { ...attributesOf(shown), [name]: value });
  return true;
}

const HANDLER: ProxyHandler<Hidden> = {
  get: (hidden, name) => Reflect.get(attributesOf(shownBy(hidden)), name),
  has: (hidden, name) => Reflect.has(attributesOf(shownBy(hidden)), name),
  ownKeys: (hidden) => Reflect.ownKeys(attributesOf(shownBy(hidden))),
  getOwnPropertyDescriptor: (hidden, name) =>
    Reflect.getOwnPropertyDescriptor(attributesOf(shownBy(hidden)), name),
  set: (hidden, name, value) => change(shownBy(hidden), name, value),
  defineProperty: (hidden, name, { value }) => change(shownBy(hidden), name, value),
  deleteProperty: (hidden, name) => change(shownBy(hidden), name, undefined),
};

/**
 * Replaces the attributes of a session's cookie. Attributes that are not given get their configured value.
 *
 * @throws {SessionEndedError} When the session has ended.
 * @throws {SessionStoreError} When it could not be loaded.
 * @throws {TypeError} When an attribute is invalid, or a browser would reject the cookie.
 * @throws {RangeError} When `maxAge` is not a positive number of seconds.
 */
export function replaceCookie({ cookie, owner }: ShownCookie, value: unknown): void {
  const state = owner.state ?? owner.refuseChange();
  if (!isPlainObject(value)) {
    throw new TypeError("Cannot change session cookie: a plain object of attributes is required");
  }
  const { maxAge, ...attributes } = value as SessionCookie;
  const { attributes: changed } = cookie.with(attributes);
  if ("maxAge" in value && maxAge !== state.maxAge) state.renew(maxAge ?? "browser");
  const changes = Object.entries(changed).filter(([name, value]) =>
    value !== Reflect.get(cookie.attributes, name)
  );
  state.cookie = changes.length === 0 ? undefined : JSON.stringify(Object.fromEntries(changes));
}
