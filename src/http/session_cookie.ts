import { parseObject } from "../record/record.ts";
import { isPlainObject } from "../record/plain_object.ts";
import { definedOf } from "../util/property.ts";
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

/** Holds the current session of the request, if there is one that can be changed. */
interface Holder {
  readonly state: CookieOwner | undefined;
  refuseChange(): never;
}

/** Makes the attributes of a session's cookie readable and writable. */
export function sessionCookie(cookie: CookieTemplate, holder: Holder): SessionCookie {
  return new Proxy<object>(new CookieView(cookie, holder), HANDLER) as SessionCookie;
}

/** The attributes of a session's cookie. The cookie and the session are private: code that prints attributes can't show them. */
export class CookieView {
  readonly #cookie: CookieTemplate;
  readonly #holder: Holder;

  constructor(cookie: CookieTemplate, holder: Holder) {
    this.#cookie = cookie;
    this.#holder = holder;
  }

  /** The attributes of the cookie. */
  get attributes(): SessionCookie {
    const { state } = this.#holder;
    const { attributes } = cookieOf(this.#cookie, state?.cookie);
    return definedOf({ ...attributes, maxAge: state?.maxAge });
  }

  /** Changes an attribute. */
  set(name: string | symbol, value: unknown): true {
    this.replace({ ...this.attributes, [name]: value });
    return true;
  }

  /**
   * Replaces the attributes. Attributes that are not given get their configured values.
   *
   * @throws {SessionEndedError} When the session has ended.
   * @throws {SessionStoreError} When it could not be loaded.
   * @throws {TypeError} When an attribute is invalid, or a browser would reject the cookie.
   * @throws {RangeError} When `maxAge` is not a positive number of seconds.
   */
  replace(value: unknown): void {
    const state = this.#holder.state ?? this.#holder.refuseChange();
    if (!isPlainObject(value)) {
      throw new TypeError("Cannot change session cookie: a plain object of attributes is required");
    }
    const { maxAge, ...attributes } = value as SessionCookie;
    const { attributes: changed } = this.#cookie.with(attributes);
    if ("maxAge" in value && maxAge !== state.maxAge) state.renew(maxAge ?? "browser");
    const configured: object = this.#cookie.attributes;
    const changes = Object.entries(changed).filter(([name, value]) =>
      value !== Reflect.get(configured, name)
    );
    state.cookie = changes.length === 0 ? undefined : JSON.stringify(Object.fromEntries(changes));
  }

  [Symbol.for("nodejs.util.inspect.custom")](): SessionCookie {
    // Printing a proxy may call this with the proxy itself.
    return #cookie in this ? this.attributes : { ...this as object };
  }
}

/** The traps that read: each uses the current attributes. */
const READS = ["get", "has", "ownKeys", "getOwnPropertyDescriptor"] as const;

const HANDLER: ProxyHandler<CookieView> = {
  ...Object.fromEntries(READS.map((read) => [
    read,
    ({ attributes }: CookieView, name: string) => Reflect[read](attributes, name),
  ])),
  set: (view, name, value) => view.set(name, value),
  defineProperty: (view, name, { value }) => view.set(name, value),
  deleteProperty: (view, name) => view.set(name, undefined),
};
