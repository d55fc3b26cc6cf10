import type { SessionCookieOptions } from "./cookie_transport.ts";
import type { Logger, SessionEvents } from "./events.ts";
import type { SessionEncoder } from "../stores/cookie.ts";
import type { SecretOption } from "./secrets.ts";
import type { SessionData } from "./session.ts";
import type { Clock, KeyValueStore, SessionStore } from "./store.ts";

/**
 * Options of {@linkcode session}. All durations are seconds.
 *
 * @example Idle for half an hour, twelve hours in all
 * ```ts
 * import { session, type SessionOptions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 *
 * const options: SessionOptions = {
 *   store: new MapStore(),
 *   maxAge: 30 * 60,
 *   rolling: true,
 *   absoluteMaxAge: 12 * 3600,
 *   cookieOptions: { prefix: "host", sameSite: "Strict" },
 * };
 * session(options);
 * ```
 */
export interface SessionOptions<Data extends object = SessionData> {
  /**
   * Where sessions are kept: a store of this package or of your own, a bare `Map`, or anything with `get`,
   * `set` and `delete`.
   *
   * @default {DenoKvStore where there is Deno KV, else SealedCookieStore}
   */
  store?: SessionStore | KeyValueStore;
  /**
   * One secret of at least 32 characters, or several: the first writes, all read. Or a function that finds
   * them for a request, for runtimes that hand secrets out with requests only. With a store on the server it
   * signs the token in the cookie, so that a forged one costs no store call; where the sealed cookie is the
   * default store, it seals it. A cookie store that you make takes its own.
   */
  secret?: SecretOption;
  /**
   * Takes the place of iron in the sealed cookie, which it makes the default store.
   *
   * @default {iron-webcrypto}
   */
  encoder?: SessionEncoder;
  /**
   * How long a session lives after its creation or its last renewal (ASVS 5.0, 7.3.1).
   *
   * @default {86400}
   */
  maxAge?: number;
  /**
   * Whether use renews a session: at most once per tenth of its lifetime with `true`, at most once per
   * `after` seconds with an object. A session that is written anyway is renewed up to 65 seconds sooner.
   *
   * @default {false}
   */
  rolling?: boolean | {
    /** The least time between two renewals. */
    after: number;
  };
  /** How long a session lives at most, however often it is renewed (ASVS 5.0, 7.3.2). No limit when absent. */
  absoluteMaxAge?: number;
  /**
   * Gives a session a new token now and then, so that a copied one is worth little (ASVS 5.0, 7.2.4). The store has to
   * be atomic. Off when absent.
   */
  rotate?: {
    /** The age of a token from which the next request gets another. `0`: with each request. */
    every: number;
    /**
     * How long the old token goes on to open the session, for requests at the same time and answers that got lost.
     *
     * @default {30}
     */
    grace?: number;
  };
  /**
   * The name of the cookie.
   *
   * @default {"sid"}
   */
  cookieName?: string;
  /**
   * The attributes of the cookie.
   *
   * @default {{ httpOnly: true, secure: true, sameSite: "Lax", path: "/" }}
   */
  cookieOptions?: SessionCookieOptions;
  /**
   * The data that a new session starts with, or a function that makes them. Every visitor gets a copy, and
   * they alone are no reason to store anything.
   *
   * @default {{}}
   */
  initial?: Partial<Data> | (() => Partial<Data>);
  /**
   * Whether `startSession` may end a live session to begin another one. `false` makes it throw a
   * {@linkcode SessionExistsError}.
   *
   * @default {true}
   */
  allowOverwrite?: boolean;
  /**
   * Whether changes are kept although the handler threw or answered with a status of 500 or above. Ending
   * a session and giving it a new token always are.
   *
   * @default {false}
   */
  commitOnError?: boolean;
  /**
   * What happens when a session can't be loaded: `"error"` answers 503; `"anonymous"` goes on with an empty
   * session that refuses changes.
   *
   * @default {"error"}
   */
  onStoreError?: "error" | "anonymous";
  /**
   * How long one operation of the store may take.
   *
   * @default {5}
   */
  storeTimeout?: number;
  /**
   * Whether responses that depend on a session tell shared caches: `Vary: Cookie` and `private`, and
   * `no-store` when they carry its cookie. Turn it off only where another part of the application does it.
   *
   * @default {true}
   */
  cacheControl?: boolean;
  /**
   * The name of the session on the context: `c.get("session")`, `c.var.session`, `c.session`. With another
   * name and another cookie an application can have several.
   *
   * @default {"session"}
   */
  contextKey?: string;
  /** Callbacks for what happens to sessions. */
  events?: SessionEvents;
  /**
   * Where failures are reported that no response can tell of.
   *
   * @default {console}
   */
  logger?: Logger;
  /**
   * Tells the time, for tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}
