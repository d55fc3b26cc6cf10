import { isPromiseLike } from "./util/awaitable.ts";

/**
 * Receives failures that can't be reported to a caller, for example `console`. Messages never contain a token,
 * a secret or session data.
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
   * Reports something that needs attention.
   *
   * @param message What happened.
   * @param detail Usually an error.
   */
  warn(message: string, ...detail: unknown[]): void;
}

/** The wrapped loggers by the originals. */
const soundLoggers = new WeakMap<Logger, Logger>();

/** Wraps a logger so that its failures are ignored: they must not fail the request. */
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
      // A failing logger has nowhere to report its failure.
    }
  };
  return { error: report("error"), warn: report("warn") };
}

/**
 * The properties of every event.
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
  /** The public identifier of the session. */
  readonly sid: string;
}

/**
 * The reason why a token was rejected:
 *
 * - `malformed`: it does not have the format of a token.
 * - `forged`: its signature is missing or invalid.
 * - `unknown`: no session has this token. It was never issued, or its session has ended or expired and the
 *   store no longer holds it. Also a cookie session that is damaged or was sealed elsewhere.
 * - `expired`: the session is over by the current `maxAge` or `absoluteMaxAge`, or the token by its `exp`.
 * - `scope`: its session belongs to another scope.
 * - `invalid`: the data of its session can't be read or fail the schema.
 * - `device`: its session is bound to a device (option `device`), and the request has no proof of it.
 * - `reuse`: it was rotated or adopted, and its grace period is over. There is a copy of it, or the client never
 *   received the new token.
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
  | "device"
  | "reuse";

/**
 * Callbacks for the events of sessions. They run after the fact. When one throws or rejects, the failure is
 * logged and nothing else changes (CVE-2021-34428). No event contains a token.
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
 *   .post("/login", async (c) => {
 *     await c.var.session.regenerate();
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
  /** A token identified a live session. */
  loaded?(event: SessionEvent, c: unknown): unknown;
  /**
   * The data of a session were written, for a new session as well. `keys` are the names of the keys that the
   * write changed, without their values and without flashed values.
   */
  updated?(event: SessionEvent & { readonly keys: readonly string[] }, c: unknown): unknown;
  /** The lifetime of a session was restarted. */
  renewed?(event: SessionEvent, c: unknown): unknown;
  /** A session got a new token; the old token is invalid. */
  regenerated?(event: SessionEvent, c: unknown): unknown;
  /** A session got a new token because the old one had reached its age (`rotate`). */
  rotated?(event: SessionEvent, c: unknown): unknown;
  /**
   * A session was ended: by its own request (`logout`), by the application from elsewhere (`revoked`), or by a
   * newer session of its subject (`evicted`, see `maxSessions`). Concurrent requests that end the same session
   * each emit the event.
   */
  destroyed?(
    event: SessionEvent & { readonly reason: "logout" | "revoked" | "evicted" },
    c: unknown,
  ): unknown;
  /**
   * The browser has bound a session to its device (option `device`).
   *
   * @experimental
   */
  bound?(event: SessionEvent, c: unknown): unknown;
  /**
   * A token was rejected. `sid` is set when the token belonged to a session. With the reason `device`, `skipped` is the
   * reason that the client gives for the missing proof, such as `server_error`. Don't trust it: every client can send it.
   */
  rejected?(
    event: { readonly reason: RejectionReason; readonly sid?: string; readonly skipped?: string },
    c: unknown,
  ): unknown;
  /** Another request wrote the same session first; the commit is retried. */
  conflict?(event: SessionEvent & { readonly tries: number }, c: unknown): unknown;
  /** The session was ended elsewhere while this request used it; the changes of the request were dropped. */
  interrupted?(event: SessionEvent, c: unknown): unknown;
  /** The store failed or timed out. Without a listener, the logger reports each kind of failure once a minute. */
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
  bound: true,
  destroyed: true,
  rejected: true,
  conflict: true,
  interrupted: true,
  storeError: true,
});

function namesOf<Name extends string>(all: Record<Name, true>): Name[] {
  return Object.keys(all) as Name[];
}

/** Calls the listener of an event. A listener that fails is logged and never fails the request. */
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
