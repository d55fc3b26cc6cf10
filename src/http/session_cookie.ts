import { parseObject } from "../record/record.ts";
import { isPlainObject } from "../record/serialize.ts";
import type { CookieTemplate, SessionCookieOptions } from "./cookie_attributes.ts";

/**
 * The cookie of one session, as `c.get("sessionCookie")`: its attributes, which can be changed. What is changed is
 * checked at once, sticks to the session and sends the cookie again.
 *
 * @example A session that another site may embed
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
   * The lifetime of the session, in seconds; `undefined` when the cookie ends with the browser. Another one renews the
   * session, as `renew(maxAge)` does.
   */
  maxAge?: number | undefined;
}

/** The session that a cookie is for. */
export interface CookieOwner {
  /** The JSON text of what is changed of its cookie. */
  cookie: string | undefined;
  readonly maxAge: number | undefined;
  renew(maxAge: number | "browser"): void;
}

/** The cookie of a session that has changed some of its attributes. */
export function cookieOf(cookie: CookieTemplate, changes: string | undefined): CookieTemplate {
  if (changes === undefined) return cookie;
  try {
    return cookie.with(parseObject(changes));
  } catch {
    // What lies in a store must not keep a session from being used.
    return cookie;
  }
}

/** What a cookie is shown of, behind its attributes. */
export interface ShownCookie {
  readonly cookie: CookieTemplate;
  /** Knows the session of the request now, unless there is none that could be changed. */
  readonly owner: { readonly state: CookieOwner | undefined; refuseChange(): never };
}

/** Makes the attributes of a session's cookie readable and writable. */
export function sessionCookie(shown: ShownCookie): SessionCookie {
  return new Proxy<Hidden>(new Hidden(shown), HANDLER) as SessionCookie;
}

/** Hides what is behind a cookie from whoever prints it. */
class Hidden {
  readonly #shown: ShownCookie;

  constructor(shown: ShownCookie) {
    this.#shown = shown;
  }

  static shownBy(hidden: Hidden): ShownCookie {
    return hidden.#shown;
  }

  [Symbol.for("Deno.customInspect")](inspect: Inspect, options: unknown): string {
    return inspect(Hidden.#printed(this), options);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): SessionCookie {
    return Hidden.#printed(this);
  }

  static #printed(hidden: object): SessionCookie {
    // Whoever prints proxies may ask the proxy.
    return #shown in hidden ? attributesOf(hidden.#shown) : { ...hidden };
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
 * Gives a session a cookie with these attributes, and the configured ones where they say nothing.
 *
 * @throws {SessionEndedError} When the session has ended.
 * @throws {SessionStoreError} When it could not be loaded.
 * @throws {TypeError} When an attribute is not what it should be, or a browser would refuse the cookie.
 * @throws {RangeError} When `maxAge` is not a positive number of seconds.
 */
export function replaceCookie({ cookie, owner }: ShownCookie, value: unknown): void {
  const state = owner.state ?? owner.refuseChange();
  if (!isPlainObject(value)) {
    throw new TypeError("Cannot change session cookie: it takes a plain object of attributes");
  }
  const { maxAge, ...attributes } = value as SessionCookie;
  const { attributes: changed } = cookie.with(attributes);
  if ("maxAge" in value && maxAge !== state.maxAge) state.renew(maxAge ?? "browser");
  const changes = Object.entries(changed).filter(([name, value]) =>
    value !== Reflect.get(cookie.attributes, name)
  );
  state.cookie = changes.length === 0 ? undefined : JSON.stringify(Object.fromEntries(changes));
}
