import type { Context, MiddlewareHandler } from "hono";
import { bearerTokens } from "../http/bearer_tokens.ts";
import { CONTEXT_KEY, SECONDS } from "../options/shapes.ts";
import type { Session, SessionData } from "../session/session.ts";
import { isReserved } from "../session/reserved_names.ts";
import { GUARD, refuse, refuseRange } from "../util/option_errors.ts";
import { checkTable, type OptionTable, readOption } from "../util/option_table.ts";
import {
  ANY,
  ARRAY,
  BOOLEAN,
  either,
  FUNCTION,
  members,
  NOT_ASYNC,
  STRING,
  SYNC_FUNCTION,
} from "../util/shapes.ts";
import { type Answer, denyAccess } from "./deny.ts";
import { findContextSession } from "./helpers.ts";
import { confirmationCheck, type RequiredConfirmation } from "./require_confirmation.ts";

/**
 * Options of {@linkcode requireSession}.
 *
 * @example Redirect anonymous visitors to the login page
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
   * The keys that the data of the session must have. When empty, every stored session is accepted.
   *
   * @default {[]}
   */
  has?: readonly (keyof Data & string)[];
  /**
   * The confirmation that the session must have. A session without it is answered with the challenge of RFC 9470,
   * `insufficient_user_authentication`, if the status is 401. Anonymous visitors get the response without it.
   *
   * @default {none}
   */
  confirmed?: RequiredConfirmation;
  /**
   * Requires that the session is bound to the device of its browser, see the option `device` of {@linkcode session}. Browsers
   * without support are rejected. A page that is requested right after a login may come before the binding.
   *
   * @experimental
   * @default {false}
   */
  device?: boolean;
  /**
   * Decides for which requests a session is required, for example by their method.
   *
   * @default {() => true}
   */
  when?: (c: Context) => boolean | Promise<boolean>;
  /**
   * The content type of `response`.
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
   * The response to a request that is rejected: a body, or a function that returns the response. With `confirmed`,
   * `session.isNew` of the context tells the function whether the session or the confirmation is missing.
   *
   * @default {{ status: false, message: "Invalid session" } or "Session is not confirmed", for HTML and text only the message}
   */
  response?: string | object | ((c: Context) => Response | Promise<Response>);
  /**
   * The name of the session, for applications with several.
   *
   * @default {"session"}
   */
  contextKey?: Key;
}

/**
 * Creates a middleware that rejects requests without a session. Mount it after {@linkcode session}. It throws
 * an `HTTPException` with its response, like Hono's own guards: `app.onError` receives it, and with `some` of
 * `hono/combine` another guard can accept the request.
 *
 * @typeParam Data The type that the data additionally have in handlers behind the guard. Only the keys in `has`
 * are checked.
 * @typeParam Key The name of the session on the context.
 * @param options The options; all have defaults.
 * @returns The middleware.
 * @throws {TypeError} When an option is unknown or of the wrong kind.
 * @throws {RangeError} When `status` is not 200 to 599, or is a status whose responses have no body.
 *
 * @example Pages that require a login, and an API that also accepts a key
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
  checkTable(TABLE, options);
  const { has = [], when, contextKey, confirmed, device = false } = options;
  const answer = checkAnswer(options, INVALID);
  const unconfirmed = checkAnswer(options, UNCONFIRMED);
  if (!Array.isArray(has) || has.some((key) => typeof key !== "string" || isReserved(key))) {
    refuse("has", "a list of keys of data is required", GUARD);
  }
  const keys = [...has];
  const confirmation = confirmed && confirmationCheck(confirmed);
  return async function requireSession(c, next): Promise<void> {
    const contextSession = findContextSession(
      c,
      "require",
      contextKey === undefined ? {} : { contextKey },
    );
    if (when && !await when(c)) return await next();
    const { session, unavailable, isLoaded } = await contextSession.load();
    const data = session.isNew ? undefined : session.toJSON();
    const isMissing = (key: string) => !Object.hasOwn(data!, key) || (data![key] ?? null) === null;
    const isFound = data !== undefined && !keys.some(isMissing) && (!device || session.device);
    const { bearer, clock } = contextSession.config;
    if (isFound && confirmation?.isMet(session, clock()) !== false) return await next();
    const isRejected = bearer && !isLoaded && !unavailable &&
      bearerTokens(bearer, c.req.raw).length > 0;
    const denial = isFound
      ? { answer: unconfirmed, message: UNCONFIRMED, challenge: confirmation?.challenge }
      : { answer, message: INVALID, challenge: isRejected ? INVALID_TOKEN : undefined };
    throw await denyAccess({ ...denial, bearer: bearer !== undefined }, c);
  };
}

const TABLE: OptionTable = {
  ...GUARD,
  shapes: {
    type: NOT_ASYNC,
    status: NOT_ASYNC,
    response: ANY,
    has: NOT_ASYNC,
    confirmed: members({ within: SECONDS, by: ARRAY }),
    device: BOOLEAN,
    when: FUNCTION,
    contextKey: CONTEXT_KEY,
  },
};

/** The challenge to a client whose access token is rejected (RFC 6750, 3.1). */
const INVALID_TOKEN = 'Bearer error="invalid_token"';

/** The default messages of a guard. */
const INVALID = "Invalid session";
const UNCONFIRMED = "Session is not confirmed";

/** The statuses of responses that have no body. */
const BODILESS = [204, 205, 304];

/** Checks the options of a guard's response. */
function checkAnswer(
  options: RequireSessionOptions<never, string>,
  message: string,
): Answer {
  const {
    type = "json",
    status = 401,
    response = type === "json" ? { status: false, message } : message,
  } = options;
  if (!["json", "html", "text"].includes(type)) {
    refuse("type", '"json", "html" or "text" is required', GUARD);
  }
  if (!Number.isInteger(status) || status < 200 || status > 599 || BODILESS.includes(status)) {
    refuseRange(
      "status",
      `${String(status)}, a status of 200 to 599 that can have a body is required`,
      GUARD,
    );
  }
  if (typeof response === "function") {
    for (const name of ["type", "status"] as const) {
      if (options[name] !== undefined) {
        refuse(name, "the function of response decides on it", GUARD);
      }
    }
    return response as Answer;
  }
  if (type === "json") {
    const text = toJson(response);
    return () => respond(text, { status, type: "application/json" });
  }
  readOption(either(STRING, SYNC_FUNCTION), { ...GUARD, name: "response", value: response });
  const text = response as string;
  const kind = type === "html" ? "text/html; charset=UTF-8" : "text/plain; charset=UTF-8";
  return () => respond(text, { status, type: kind });
}

function respond(text: string, { status, type }: { status: number; type: string }): Response {
  return new Response(text, { status, headers: { "Content-Type": type } });
}

/** @throws {TypeError} When a response is neither an object nor a text that JSON can hold. */
function toJson(response: unknown): string {
  const isBody = typeof response === "string" || typeof response === "object" && response !== null;
  try {
    if (isBody) return JSON.stringify(response);
  } catch {
    // A cycle or a BigInt.
  }
  return refuse("response", "a function, a string or a JSON object is required", GUARD);
}
