import { isPromiseLike } from "./util/awaitable.ts";

/**
 * Where the middleware reports what no caller can be told, `console` for example. What it reports
 * never holds a token, a secret or session data.
 *
 * @example Usage
 * ```ts
 * import type { Logger } from "@x/hono-session";
 *
 * const quiet: Logger = { error() {}, warn() {} };
 * quiet.warn("nobody hears this");
 * ```
 */
export interface Logger {
  /**
   * Reports a failure.
   *
   * @param message What happened.
   * @param detail Usually an error.
   */
  error(message: string, ...detail: unknown[]): void;

  /**
   * Reports something to look at.
   *
   * @param message What happened.
   * @param detail Usually an error.
   */
  warn(message: string, ...detail: unknown[]): void;
}

/** Those that can't fail, by the ones that were given. */
const soundLoggers = new WeakMap<Logger, Logger>();

/** A logger that can't fail: what it is told of has happened already. */
export function soundLogger(logger: Logger): Logger {
  const known = soundLoggers.get(logger) ?? makeSound(logger);
  soundLoggers.set(logger, known);
  return known;
}

function makeSound(logger: Logger): Logger {
  const report = (level: keyof Logger) => (message: string, ...detail: unknown[]): void => {
    try {
      const result: unknown = logger[level](message, ...detail);
      if (isPromiseLike(result)) result.then(undefined, () => {});
    } catch {
      // There is nobody left to tell.
    }
  };
  return { error: report("error"), warn: report("warn") };
}

/**
 * What every event tells.
 *
 * @example Usage
 * ```ts
 * import type { SessionEvent } from "@x/hono-session";
 *
 * const audit = (event: SessionEvent) => `session ${event.sid}`;
 * audit({ sid: "pXo9tUjcNKQGL1lXUmT0Nw" });
 * ```
 */
export interface SessionEvent {
  /** The public handle of the session. */
  readonly sid: string;
}

/**
 * Why a token was not accepted: `malformed` has not the shape of one, `forged` bears no valid signature,
 * `unknown` opens nothing (it never did, or its session was ended or is over and the store has forgotten it; a cookie
 * session that is damaged or foreign), `expired` came too late by `maxAge` or `absoluteMaxAge` as they are now or by the `exp` of a
 * token, `scope` is of another scope, `invalid` leads to data that can't be read or don't fit the schema, `reuse` was rotated and its grace is over: somebody has a
 * copy, or the client never got the new one.
 *
 * @example Usage
 * ```ts
 * import type { RejectionReason } from "@x/hono-session";
 *
 * const reason: RejectionReason = "unknown";
 * console.assert(reason === "unknown");
 * ```
 */
export type RejectionReason =
  | "malformed"
  | "forged"
  | "unknown"
  | "expired"
  | "scope"
  | "invalid"
  | "reuse";

/**
 * Callbacks for what happens to sessions. They run after the fact; one that throws or rejects is logged
 * and changes nothing (CVE-2021-34428). None is ever given a token.
 *
 * @example Counting logins and probes
 * ```ts
 * import { session, type SessionEvents } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const log: string[] = [];
 * const events: SessionEvents = {
 *   created: () => log.push("created"),
 *   rejected: ({ reason }) => log.push(`rejected: ${reason}`),
 * };
 * const app = new Hono()
 *   .use(session<{ userId?: string }>({ store: new MapStore(), events }))
 *   .post("/login", (c) => {
 *     c.var.session.userId = "42";
 *     return c.text("welcome");
 *   });
 * await app.request("/login", { method: "POST", headers: { cookie: "sid=chosen-by-client" } });
 * assertEquals(log, ["rejected: malformed", "created"]);
 * ```
 */
export interface SessionEvents {
  /** A session was stored for the first time. */
  created?(event: SessionEvent, c: unknown): unknown;
  /** A live session was found for a token. */
  loaded?(event: SessionEvent, c: unknown): unknown;
  /**
   * Data of a session were written, those of a new one as well: the names of the keys that the write changed, never their values.
   * Flashed values are none of them.
   */
  updated?(event: SessionEvent & { readonly keys: readonly string[] }, c: unknown): unknown;
  /** The lifetime of a session began anew. */
  renewed?(event: SessionEvent, c: unknown): unknown;
  /** A session got a new token; the old one is dead. */
  regenerated?(event: SessionEvent, c: unknown): unknown;
  /** A session got a new token because the old one had had its time (`rotate`). */
  rotated?(event: SessionEvent, c: unknown): unknown;
  /**
   * A session was ended: by its own request (`logout`), by whoever may end it from elsewhere (`revoked`), or by a newer one of
   * its subject (`evicted`, see `maxSessions`). Those who end the same session at the same time each tell of it.
   */
  destroyed?(
    event: SessionEvent & { readonly reason: "logout" | "revoked" | "evicted" },
    c: unknown,
  ): unknown;
  /** A token was not accepted. With the handle of the session that it was for, where there was one. */
  rejected?(
    event: { readonly reason: RejectionReason; readonly sid?: string },
    c: unknown,
  ): unknown;
  /** Another request wrote the same session first; the commit is tried again. */
  conflict?(event: SessionEvent & { readonly tries: number }, c: unknown): unknown;
  /** A session was ended elsewhere while this request used it; what it changed was dropped. */
  interrupted?(event: SessionEvent, c: unknown): unknown;
  /** The store failed or did not answer in time. Without a listener, the logger reports each kind of failure once a minute. */
  storeError?(event: { readonly operation: string; readonly error: Error }, c: unknown): unknown;
}

/** The names of all events. */
export const EVENTS: readonly (keyof SessionEvents)[] = namesOf<keyof SessionEvents>({
  created: true,
  loaded: true,
  updated: true,
  renewed: true,
  regenerated: true,
  rotated: true,
  destroyed: true,
  rejected: true,
  conflict: true,
  interrupted: true,
  storeError: true,
});

function namesOf<Name extends string>(all: Record<Name, true>): Name[] {
  return Object.keys(all) as Name[];
}

/** Tells listeners, and lets nothing that they do come back. */
export function emit<Name extends keyof SessionEvents>(
  { events, logger }: { readonly events: SessionEvents; readonly logger: Logger },
  name: Name,
  event: Parameters<NonNullable<SessionEvents[Name]>>[0],
  c: unknown,
): void {
  if (!events[name]) return;
  const failed = (error: unknown) =>
    logger.error(`Cannot finish listener of session event "${name}": it failed`, error);
  try {
    const result = (events[name] as (event: unknown, c: unknown) => unknown)(event, c);
    if (isPromiseLike(result)) result.then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}
