/**
 * The stable codes of the errors that this package throws, for checks that survive bundling and
 * several copies of the package.
 *
 * @example Telling errors apart by code
 * ```ts
 * import { SessionConflictError, type SessionErrorCode } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const code: SessionErrorCode = new SessionConflictError("Cannot commit session: …").code;
 * assertEquals(code, "ERR_SESSION_CONFLICT");
 * ```
 */
export type SessionErrorCode =
  | "ERR_SESSION_COMMITTED"
  | "ERR_SESSION_CONFLICT"
  | "ERR_SESSION_ENDED"
  | "ERR_SESSION_EXISTS"
  | "ERR_SESSION_LIMIT"
  | "ERR_SESSION_SERIALIZATION"
  | "ERR_SESSION_STORE"
  | "ERR_SESSION_TOO_LARGE";

/**
 * The base of every error of this package that isn't plain misuse (misuse is a `TypeError` or a
 * `RangeError`).
 *
 * Messages name the action, then the state. They never hold a token, a secret or session data
 * (ASVS 5.0, 16.2.5). An error that nobody catches is answered with its `status`: 403 and 409 are for the client, 503 is for
 * the store, and 500 is a fault of the application, which Hono reports.
 *
 * @example Answering in a form of your own
 * ```ts
 * import { session, SessionError, startSession } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session({ store: new MapStore(), allowOverwrite: false }))
 *   .post("/login", async (c) => {
 *     await startSession(c);
 *     await startSession(c);
 *     return c.text("welcome");
 *   })
 *   .onError((error, c) => {
 *     if (error instanceof SessionError) return c.json({ code: error.code }, error.status);
 *     return c.json({}, 500);
 *   });
 * const response = await app.request("/login", { method: "POST" });
 * assertEquals(response.status, 409);
 * assertEquals(await response.json(), { code: "ERR_SESSION_EXISTS" });
 * ```
 */
export abstract class SessionError extends Error {
  /** What went wrong, stable over versions. */
  abstract readonly code: SessionErrorCode;

  /** The HTTP status of the answer, when an application lets the error pass. 500: a fault of the application. */
  abstract readonly status: 403 | 409 | 500 | 503;

  /** The name of the class, in a minified bundle as well. */
  abstract override get name(): string;
}

/**
 * A change came too late: the response had already left, and what the change needs of it (a
 * cookie) can't be sent any more.
 *
 * @example Usage
 * ```ts
 * import { SessionCommittedError } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new SessionCommittedError("Cannot regenerate session: the response has left");
 * assertEquals(error.code, "ERR_SESSION_COMMITTED");
 * ```
 */
export class SessionCommittedError extends SessionError {
  /** What went wrong, stable over versions. */
  override readonly code = "ERR_SESSION_COMMITTED";
  /** The HTTP status of the answer. */
  override readonly status = 500;

  /** The name of the class. */
  override get name(): string {
    return "SessionCommittedError";
  }
}

/**
 * Other requests changed the session at the same time, again and again, until no try was left.
 * Nothing was written.
 *
 * @example Usage
 * ```ts
 * import { SessionConflictError } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new SessionConflictError("Cannot commit session: …");
 * assertEquals(error.code, "ERR_SESSION_CONFLICT");
 * ```
 */
export class SessionConflictError extends SessionError {
  /** What went wrong, stable over versions. */
  override readonly code = "ERR_SESSION_CONFLICT";
  /** The HTTP status of the answer. */
  override readonly status = 409;

  /** The name of the class. */
  override get name(): string {
    return "SessionConflictError";
  }

  /**
   * What Hono's default error handler answers when a handler lets this error pass.
   *
   * @returns A response with status 409 that says nothing of the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

/**
 * A session that has ended, here or in another request, was to be changed, or a login was overtaken by the end of all
 * sessions of its subject. An object that is assigned to `c.session`, or `startSession(c)`, begins another one.
 *
 * @example Usage
 * ```ts
 * import { session, SessionEndedError } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertThrows } from "@std/assert";
 *
 * const app = new Hono().use(session({ store: new MapStore() })).get("/", (c) => {
 *   const ended = c.var.session;
 *   ended.destroy();
 *   assertThrows(() => ended.renew(), SessionEndedError);
 *   return c.text("bye");
 * });
 * await app.request("/");
 * ```
 */
export class SessionEndedError extends SessionError {
  /** What went wrong, stable over versions. */
  override readonly code = "ERR_SESSION_ENDED";
  /** The HTTP status of the answer. */
  override readonly status = 409;

  /** The name of the class. */
  override get name(): string {
    return "SessionEndedError";
  }

  /**
   * What Hono's default error handler answers when a handler lets this error pass.
   *
   * @returns A response with status 409 that says nothing of the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

/**
 * `startSession` met a live session although `allowOverwrite` is `false`.
 *
 * @example Usage
 * ```ts
 * import { SessionExistsError } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new SessionExistsError("Cannot start session: one is live");
 * assertEquals(error.code, "ERR_SESSION_EXISTS");
 * ```
 */
export class SessionExistsError extends SessionError {
  /** What went wrong, stable over versions. */
  override readonly code = "ERR_SESSION_EXISTS";
  /** The HTTP status of the answer. */
  override readonly status = 409;

  /** The name of the class. */
  override get name(): string {
    return "SessionExistsError";
  }

  /**
   * What Hono's default error handler answers when a handler lets this error pass.
   *
   * @returns A response with status 409 that says nothing of the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

/**
 * A value in the session would not survive JSON. The message names its path; nothing was written.
 *
 * @example Usage
 * ```ts
 * import { session, SessionSerializationError } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const app = new Hono().use(session<{ price?: number }>({ store: new MapStore() }));
 * app.get("/", async (c) => {
 *   c.var.session.price = NaN;
 *   await assertRejects(
 *     () => c.var.session.save(),
 *     SessionSerializationError,
 *     "session.price is NaN",
 *   );
 *   delete c.var.session.price;
 *   return c.text("ok");
 * });
 * assertEquals((await app.request("/")).status, 200);
 * ```
 */
export class SessionSerializationError extends SessionError {
  /** What went wrong, stable over versions. */
  override readonly code = "ERR_SESSION_SERIALIZATION";
  /** The HTTP status of the answer. */
  override readonly status = 500;

  /** The name of the class. */
  override get name(): string {
    return "SessionSerializationError";
  }
}

/**
 * The store failed or did not answer in time.
 *
 * @example Usage
 * ```ts
 * import { SessionStoreError } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new SessionStoreError("Cannot read session: the store failed", {
 *   cause: new Error("connection refused"),
 * });
 * assertEquals(error.code, "ERR_SESSION_STORE");
 * assertEquals(error.getResponse().status, 503);
 * ```
 */
export class SessionStoreError extends SessionError {
  /** What went wrong, stable over versions. */
  override readonly code = "ERR_SESSION_STORE";
  /** The HTTP status of the answer. */
  override readonly status = 503;

  /** The name of the class. */
  override get name(): string {
    return "SessionStoreError";
  }

  /**
   * What Hono's default error handler answers when a handler lets this error pass.
   *
   * @returns A response with status 503 that says nothing of the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

/**
 * The sizes that a {@linkcode SessionTooLargeError} reports.
 *
 * @example Usage
 * ```ts
 * import type { SessionTooLargeErrorOptions } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const options: SessionTooLargeErrorOptions = { size: 5000, limit: 4096 };
 * assertEquals(options.limit, 4096);
 * ```
 */
export interface SessionTooLargeErrorOptions extends ErrorOptions {
  /** What would have been stored, in bytes. */
  size: number;
  /** What can be stored, in bytes. */
  limit: number;
}

/**
 * A subject has as many sessions as `maxSessions` lets it have, and may not begin another one. A
 * handler that catches it from `save()` answers for itself: nothing of the session is stored unless it clears the subject or
 * sets another one.
 *
 * @example Telling the user
 * ```ts
 * import { session, SessionLimitError } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session({ store: new MapStore(), maxSessions: { limit: 1, policy: "reject" } }))
 *   .post("/login", async (c) => {
 *     c.var.session.subject = "user:42";
 *     try {
 *       await c.var.session.save();
 *     } catch (error) {
 *       if (error instanceof SessionLimitError) return c.text("Log out elsewhere first", 403);
 *       throw error;
 *     }
 *     return c.text("welcome");
 *   });
 * assertEquals((await app.request("/login", { method: "POST" })).status, 200);
 * const refused = await app.request("/login", { method: "POST" });
 * assertEquals([refused.status, await refused.text()], [403, "Log out elsewhere first"]);
 * ```
 */
export class SessionLimitError extends SessionError {
  /** What went wrong, stable over versions. */
  override readonly code = "ERR_SESSION_LIMIT";
  /** The HTTP status of the answer. */
  override readonly status = 403;

  /** The name of the class. */
  override get name(): string {
    return "SessionLimitError";
  }

  /**
   * What Hono's default error handler answers when a handler lets this error pass.
   *
   * @returns A response with status 403 that says nothing of the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

/**
 * The session is larger than its store can hold. Nothing was written or sent.
 *
 * @example Usage
 * ```ts
 * import { SessionTooLargeError } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new SessionTooLargeError("Cannot store session: …", { size: 5000, limit: 4096 });
 * assertEquals([error.size, error.limit], [5000, 4096]);
 * ```
 */
export class SessionTooLargeError extends SessionError {
  /** What went wrong, stable over versions. */
  override readonly code = "ERR_SESSION_TOO_LARGE";
  /** The HTTP status of the answer. */
  override readonly status = 500;
  /** What would have been stored, in bytes. */
  readonly size: number;
  /** What can be stored, in bytes. */
  readonly limit: number;

  /**
   * Makes the error.
   *
   * @param message The action, then the state.
   * @param options The sizes, in bytes.
   */
  constructor(message: string, options: SessionTooLargeErrorOptions) {
    super(message, options);
    this.size = options.size;
    this.limit = options.limit;
  }

  /** The name of the class. */
  override get name(): string {
    return "SessionTooLargeError";
  }
}

const REASONS = { 403: "Forbidden", 409: "Conflict", 503: "Service Unavailable" };

/** What a client is told of an error; `undefined` of a fault, which is for the application to answer. */
export function reasonOf({ status }: SessionError): string | undefined {
  return status === 500 ? undefined : REASONS[status];
}

function responseOf(error: SessionError): Response {
  return new Response(reasonOf(error), { status: error.status });
}
