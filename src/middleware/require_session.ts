import type { Context, MiddlewareHandler } from "hono";
import { checkContextKey } from "../options/parse_options.ts";
import type { Session, SessionData } from "../session/session.ts";
import { isReserved } from "../session/reserved_names.ts";
import { MIDDLEWARE, refuse, refuseRange } from "../util/option_errors.ts";
import { checkShape, checkTable, type OptionTable } from "../util/option_table.ts";
import { type Answer, denyAccess } from "./deny.ts";
import { findContextSession } from "./helpers.ts";

/**
 * Options of {@linkcode requireSession}.
 *
 * @example Send visitors to the login page
 * ```ts
 * import { requireSession, type RequireSessionOptions } from "@x/hono-session";
 *
 * const options: RequireSessionOptions<{ userId: string }> = {
 *   has: ["userId"],
 *   response: (c) => c.redirect("/login"),
 * };
 * requireSession(options);
 * ```
 */
export interface RequireSessionOptions<
  Data extends object = SessionData,
  Key extends string = "session",
> {
  /**
   * The keys that the data of a session must have. Without them every session that is stored will do.
   *
   * @default {[]}
   */
  has?: readonly (keyof Data & string)[];
  /**
   * Whether a session is required for a request, by its method for example.
   *
   * @default {() => true}
   */
  when?: (c: Context) => boolean | Promise<boolean>;
  /**
   * How `response` is sent.
   *
   * @default {"json"}
   */
  type?: "json" | "html" | "text";
  /**
   * The status of the response.
   *
   * @default {401}
   */
  status?: number;
  /**
   * What is sent in the place of the page: a body, or a function that makes the response.
   *
   * @default {{ status: false, message: "Invalid session" }, its message alone as HTML or text}
   */
  response?: string | object | ((c: Context) => Response | Promise<Response>);
  /**
   * Which session, where an application has several.
   *
   * @default {"session"}
   */
  contextKey?: Key;
}

/**
 * Makes a middleware that lets nobody pass without a session. Mount it after {@linkcode session}. It throws an `HTTPException` that
 * carries its response, as Hono's own guards do: `app.onError` sees it, and with `some` of `hono/combine` another guard may let
 * the request pass.
 *
 * @typeParam Data What the data of a session are known to hold behind it, beside what they held before. It is a promise
 * of yours unless `has` names the keys.
 * @typeParam Key The name of the session on the context.
 * @param options What differs from the defaults.
 * @returns The middleware.
 * @throws {TypeError} When an option is unknown or of the wrong kind.
 * @throws {RangeError} When `status` is not 200 to 599, or one of those whose responses have no body.
 *
 * @example Pages for those who are logged in, and an API for those with a key too
 * ```ts
 * import { requireSession, session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { bearerAuth } from "hono/bearer-auth";
 * import { some } from "hono/combine";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session<{ userId?: string }>({ store: new MapStore() }))
 *   .use("/account/*", requireSession<{ userId: string }>({ has: ["userId"] }))
 *   .get("/account/name", (c) => c.text(c.var.session.userId))
 *   .use("/api/*", some(requireSession(), bearerAuth({ token: "an-api-key" })))
 *   .get("/api/prices", (c) => c.json([1, 2, 3]));
 *
 * const response = await app.request("/account/name");
 * assertEquals(response.status, 401);
 * assertEquals(await response.json(), { status: false, message: "Invalid session" });
 * const headers = { authorization: "Bearer an-api-key" };
 * assertEquals((await app.request("/api/prices", { headers })).status, 200);
 * ```
 */
export function requireSession<
  Data extends object = SessionData,
  Key extends string = "session",
>(
  options: RequireSessionOptions<Data, Key> = {},
): MiddlewareHandler<{ Variables: { [Name in Key]: Session<Data> } }> {
  checkTable(GUARD, options);
  const { has = [], when, contextKey } = options;
  const answer = checkAnswer(options);
  if (!Array.isArray(has) || has.some((key) => typeof key !== "string" || isReserved(key))) {
    refuse("has", "a list of keys of data is required");
  }
  const keys = [...has];
  if (contextKey !== undefined) checkContextKey(contextKey);
  return async function requireSession(c, next): Promise<void> {
    const contextSession = findContextSession(
      c,
      "require",
      contextKey === undefined ? {} : { contextKey },
    );
    if (when && !await when(c)) return await next();
    const { session } = await contextSession.load();
    const data = session.isNew ? undefined : session.toJSON();
    const isMissing = (key: string) => !Object.hasOwn(data!, key) || (data![key] ?? null) === null;
    if (data && !keys.some(isMissing)) return await next();
    throw await denyAccess(
      { answer, message, bearer: contextSession.config.bearer !== undefined },
      c,
    );
  };
}

const GUARD: OptionTable = {
  ...MIDDLEWARE,
  shapes: {
    type: ["any"],
    status: ["any"],
    response: ["any", "async function"],
    has: ["any"],
    when: ["async function"],
    contextKey: ["string"],
  },
};

/** What a guard says. */
const message = "Invalid session";

/** The statuses of responses that have no body. */
const BODILESS = [204, 205, 304];

/** Checks how a guard answers. */
function checkAnswer(
  options: RequireSessionOptions<never, string>,
): Answer {
  const {
    type = "json",
    status = 401,
    response = type === "json" ? { status: false, message } : message,
  } = options;
  if (!["json", "html", "text"].includes(type)) {
    refuse("type", '"json", "html" or "text" is required');
  }
  if (!Number.isInteger(status) || status < 200 || status > 599 || BODILESS.includes(status)) {
    refuseRange(
      "status",
      `${String(status)}, a status of 200 to 599 that can have a body is required`,
    );
  }
  if (typeof response === "function") {
    for (const name of ["type", "status"] as const) {
      if (options[name] !== undefined) refuse(name, "the function of response decides on it");
    }
    return response as Answer;
  }
  if (type === "json") {
    const text = toJson(response);
    return () => respond(text, { status, type: "application/json" });
  }
  checkShape("response", { value: response, shapes: ["string", "function"] });
  const text = response as string;
  const kind = type === "html" ? "text/html; charset=UTF-8" : "text/plain; charset=UTF-8";
  return () => respond(text, { status, type: kind });
}

function respond(text: string, { status, type }: { status: number; type: string }): Response {
  return new Response(text, { status, headers: { "Content-Type": type } });
}

/** @throws {TypeError} When a response is no object or text that JSON can hold. */
function toJson(response: unknown): string {
  const isBody = typeof response === "string" || typeof response === "object" && response !== null;
  try {
    if (isBody) return JSON.stringify(response);
  } catch {
    // A cycle or a BigInt.
  }
  return refuse("response", "a function, or what JSON can hold, is required");
}
