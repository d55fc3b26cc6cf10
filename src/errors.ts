/**
 * The stable codes of this package's errors. Unlike `instanceof`, checks of the code also work with several
 * copies of the package.
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
  | "ERR_SESSION_TOO_LARGE"
  | "ERR_SESSION_UNPROVEN";

/**
 * The base class of this package's errors. Misuse of the API is a `TypeError` or a `RangeError` instead.
 *
 * Messages name the action, then the state. They never contain a token, a secret or session data (ASVS 5.0,
 * 16.2.5). An error that is not caught is answered with its `status`: 403 and 409 concern the client, 503 the
 * store, and 500 is a fault of the application, which Hono reports.
 *
 * @example A response of your own
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
  /** The stable code of the error. */
  abstract readonly code: SessionErrorCode;

  /** The HTTP status of the response when the error is not caught. 500: a fault of the application. */
  abstract readonly status: 403 | 409 | 500 | 503;

  /** The name of the class, in a minified bundle as well: it follows from the code. */
  override get name(): string {
    const [, , ...words] = `${this.code}`.split("_");
    const names = words.map((word) => word[0] + word.slice(1).toLowerCase());
    return `Session${names.join("")}Error`;
  }
}

/**
 * A change was made too late: the response has been sent, and the cookie that the change needs can't be sent
 * any more.
 *
 * @example Usage
 * ```ts
 * import { SessionCommittedError } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new SessionCommittedError("Cannot regenerate session: the response has been sent");
 * assertEquals(error.code, "ERR_SESSION_COMMITTED");
 * ```
 */
export class SessionCommittedError extends SessionError {
  /** The stable code of the error. */
  override readonly code = "ERR_SESSION_COMMITTED";
  /** The HTTP status of the response. */
  override readonly status = 500;
}

/**
 * Concurrent requests changed the session at every attempt to commit, until `storeTimeout` was over. Nothing
 * was written.
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
  /** The stable code of the error. */
  override readonly code = "ERR_SESSION_CONFLICT";
  /** The HTTP status of the response. */
  override readonly status = 409;

  /**
   * Returns the response of Hono's default error handler when the error is not caught.
   *
   * @returns A response with status 409 that does not reveal the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

/**
 * A session was changed after it had ended, here or in another request; or all sessions of a subject were
 * revoked during a login. To start another session, assign an object to `c.session` or call `startSession(c)`.
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
  /** The stable code of the error. */
  override readonly code = "ERR_SESSION_ENDED";
  /** The HTTP status of the response. */
  override readonly status = 409;

  /**
   * Returns the response of Hono's default error handler when the error is not caught.
   *
   * @returns A response with status 409 that does not reveal the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

/**
 * `startSession` was called although there is a live session, and `allowOverwrite` is `false`.
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
  /** The stable code of the error. */
  override readonly code = "ERR_SESSION_EXISTS";
  /** The HTTP status of the response. */
  override readonly status = 409;

  /**
   * Returns the response of Hono's default error handler when the error is not caught.
   *
   * @returns A response with status 409 that does not reveal the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

/**
 * A value of the session can't be stored as JSON. The message names its path; nothing was written.
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
  /** The stable code of the error. */
  override readonly code = "ERR_SESSION_SERIALIZATION";
  /** The HTTP status of the response. */
  override readonly status = 500;
}

/**
 * The store failed or timed out.
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
  /** The stable code of the error. */
  override readonly code = "ERR_SESSION_STORE";
  /** The HTTP status of the response. */
  override readonly status = 503;

  /**
   * Returns the response of Hono's default error handler when the error is not caught.
   *
   * @returns A response with status 503 that does not reveal the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

/**
 * The sizes in a {@linkcode SessionTooLargeError}.
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
  /** The size of the session, in bytes. */
  size: number;
  /** The largest size that can be stored, in bytes. */
  limit: number;
}

/**
 * A login was refused: its subject already has the number of sessions that `maxSessions` allows. A handler that
 * catches it from `save()` must respond itself; the session is not stored unless the handler clears the subject
 * or sets another one.
 *
 * @example A message for the user
 * ```ts
 * import { session, SessionLimitError } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session({ store: new MapStore(), maxSessions: { limit: 1, policy: "reject" } }))
 *   .post("/login", async (c) => {
 *     await c.var.session.regenerate();
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
  /** The stable code of the error. */
  override readonly code = "ERR_SESSION_LIMIT";
  /** The HTTP status of the response. */
  override readonly status = 403;

  /**
   * Returns the response of Hono's default error handler when the error is not caught.
   *
   * @returns A response with status 403 that does not reveal the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

/**
 * The session is larger than its store can hold. It was neither stored nor sent.
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
  /** The stable code of the error. */
  override readonly code = "ERR_SESSION_TOO_LARGE";
  /** The HTTP status of the response. */
  override readonly status = 500;
  /** The size of the session, in bytes. */
  readonly size: number;
  /** The largest size that can be stored, in bytes. */
  readonly limit: number;

  /**
   * Creates the error.
   *
   * @param message The action, then the state.
   * @param options The sizes, in bytes.
   */
  constructor(message: string, options: SessionTooLargeErrorOptions) {
    super(message, options);
    this.size = options.size;
    this.limit = options.limit;
  }
}

/**
 * A request without a proof of the device tried to change a session that is bound to it (option `device`). Nothing was changed. A
 * login with `regenerate()` or `startSession(c)` works: it starts another session.
 *
 * @experimental
 *
 * @example Usage
 * ```ts
 * import { SessionUnprovenError } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new SessionUnprovenError("Cannot change session: …");
 * assertEquals([error.code, error.status], ["ERR_SESSION_UNPROVEN", 403]);
 * ```
 */
export class SessionUnprovenError extends SessionError {
  /** The stable code of the error. */
  override readonly code = "ERR_SESSION_UNPROVEN";
  /** The HTTP status of the response. */
  override readonly status = 403;

  /**
   * Returns the response of Hono's default error handler when the error is not caught.
   *
   * @returns A response with status 403 that does not reveal the cause.
   */
  getResponse(): Response {
    return responseOf(this);
  }
}

const REASONS = { 403: "Forbidden", 409: "Conflict", 503: "Service Unavailable" };

/** The reason phrase that a client receives; `undefined` for a fault, which the application answers. */
export function reasonOf({ status }: SessionError): string | undefined {
  return status === 500 ? undefined : REASONS[status];
}

function responseOf(error: SessionError): Response {
  return new Response(reasonOf(error), { status: error.status });
}
