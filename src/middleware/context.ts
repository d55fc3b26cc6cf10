import type { Context } from "hono";
import type { MiddlewareConfig } from "../http/config.ts";
import { differencesOf } from "../options/same_options.ts";
import type { RequestSession } from "../request/request_session.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { propertyOf } from "../util/property.ts";
import { watchTasks } from "./background_tasks.ts";
import type { ContextResponse } from "./response.ts";

/** The names of a session, its cookie and its token on a context. */
export type Names = readonly [session: string, cookie: string, token: string];

/** The names of a session, its cookie and its token on a context, by its key. */
export function namesOf(contextKey: string): Names {
  return [contextKey, `${contextKey}Cookie`, `${contextKey}Token`];
}

/** A session of a request, and the middleware that it comes from. */
export interface ContextSession {
  readonly config: MiddlewareConfig;
  readonly names: Names;
  /** Another session of the same request, under this one. */
  readonly outer: ContextSession | undefined;
  /** The session behind it, once it is loaded. */
  readonly requestSession: RequestSession | undefined;
  /** The response of the request. */
  readonly response: ContextResponse;
  /** The session as the application reads it. */
  readonly session: unknown;
  /** Loads the session, unless that was done. */
  load(): Awaitable<RequestSession>;
  /** Ends the session that an access token identifies. */
  end(token: string): Promise<void>;
  /** Assigns to a variable of the context, which may be the session. */
  assign(key: string, value: unknown): void;
  /** Marks the response before other middleware sees it. */
  mark(): void;
  /** Watches out for changes that a task in the background makes and nobody saves. */
  watchTask(task: unknown): void;
}

/** Where a context holds its sessions. A `WeakMap` beside it would cost more than all else, when garbage is collected. */
const MOUNTED = Symbol("hono-session");

/** Where the prototype of a kind of context holds the names that it gives its sessions. */
const EXPOSED = Symbol("hono-session names");

/** A context with sessions, or without. */
type Holder = { [MOUNTED]?: ContextSession; [EXPOSED]?: Exposed };

const NO_NAMES: ReadonlySet<string> = new Set();

/** The names that the contexts of a prototype have for their sessions. */
interface Exposed {
  readonly prototype: object;
  readonly names: ReadonlySet<string>;
}

/** The sessions of a request, the last one mounted. */
export function outermostSession(c: Context): ContextSession | undefined {
  return (c as Holder)[MOUNTED];
}

/** A session of a request, if the middleware is mounted. */
export function contextSessionOf(c: unknown, contextKey: string): ContextSession | undefined {
  let contextSession = (c as Holder | undefined)?.[MOUNTED];
  while (contextSession && contextSession.config.contextKey !== contextKey) {
    contextSession = contextSession.outer;
  }
  return contextSession;
}

/** Gives a context a session. */
export function attachSession(c: Context, contextSession: ContextSession): void {
  const { contextKey } = contextSession.config;
  const holder = c as Holder;
  holder[MOUNTED] = contextSession;
  const prototype = Object.getPrototypeOf(c);
  const exposed = holder[EXPOSED];
  // One that derives from another may have something of its own of that name.
  const names = exposed && exposed.prototype === prototype ? exposed.names : NO_NAMES;
  if (!names.has(contextKey)) expose(prototype, contextKey, names);
}

/**
 * The session of the request that the same middleware has attached, or one with the same options.
 *
 * @throws {TypeError} When one with other options claims its name or its cookie.
 */
export function findSameMiddleware(
  outermost: ContextSession,
  wanted: MiddlewareConfig,
  wantedNames: Names,
): ContextSession | undefined {
  const { contextKey, cookieName, transport } = wanted;
  const cookies = transport?.names ?? [];
  for (
    let contextSession: ContextSession | undefined = outermost;
    contextSession;
    contextSession = contextSession.outer
  ) {
    const { config, names } = contextSession;
    const isApart = !names.some((name) => wantedNames.includes(name)) &&
      !config.transport?.names.some((name) => cookies.includes(name));
    if (isApart) continue;
    const isOther = config.contextKey !== contextKey || config.cookieName !== cookieName ||
      config.options.store !== wanted.options.store;
    if (isOther) {
      throw new TypeError(
        `Cannot mount session middleware as "${contextKey}" with cookie "${cookieName}": another one is ` +
          `mounted as "${config.contextKey}" with cookie "${config.cookieName}"; give one of them another contextKey and cookieName`,
      );
    }
    const differences = differencesOf(wanted, config);
    if (differences.length === 0) return contextSession;
    throw new TypeError(
      `Cannot mount session middleware as "${contextKey}" twice: ${differences.join(" and ")} ${
        differences.length > 1 ? "differ" : "differs"
      }; give both the same options, or the second one a contextKey and a cookieName of its own`,
    );
  }
  return undefined;
}

/** Gives all contexts of a kind the property `c.session`: one for each of them would cost more than all else. */
function expose(prototype: Holder, contextKey: string, names: ReadonlySet<string>): void {
  if (names.size === 0) {
    watchResponses(prototype);
    for (const name of ["executionCtx", "event"]) watchBackground(prototype, name);
  }
  prototype[EXPOSED] = { prototype, names: new Set([...names, contextKey]) };
  // Of another copy of this package, for contexts that are its own.
  const other = Object.getOwnPropertyDescriptor(prototype, contextKey);
  Object.defineProperty(prototype, contextKey, {
    get(this: Context) {
      const contextSession = contextSessionOf(this, contextKey);
      return contextSession ? contextSession.session : other?.get?.call(this);
    },
    set(this: Context, value: unknown) {
      const contextSession = contextSessionOf(this, contextKey);
      if (contextSession) contextSession.assign(contextKey, value);
      else if (other?.set) other.set.call(this, value);
      // Where no middleware is mounted the name is anybody's.
      else Object.defineProperty(this, contextKey, { value, ...PLAIN });
    },
    configurable: true,
  });
}

/**
 * Has the responses of all contexts of a kind marked before anybody looks at them, a cache between the session and the handler
 * for example. A response that nobody looks at costs nothing.
 */
function watchResponses(prototype: Holder): void {
  const property = propertyOf(prototype, "res");
  if (!property?.get || !property.set) return;
  const { get, set } = property;
  Object.defineProperty(prototype, "res", {
    ...property,
    get(this: Context) {
      for (
        let contextSession = (this as Holder)[MOUNTED];
        contextSession;
        contextSession = contextSession.outer
      ) {
        contextSession.mark();
      }
      return get.call(this);
    },
    set(this: Context, response: Response | undefined) {
      set.call(this, response);
      if (response) (this as Holder)[MOUNTED]?.response.take(response, get.call(this));
    },
  });
}

/** Has the tasks of all contexts of a kind watched. An execution context that nobody asks for costs nothing. */
function watchBackground(prototype: Holder, name: string): void {
  const property = propertyOf(prototype, name);
  const get = property?.get;
  if (!get) return;
  Object.defineProperty(prototype, name, {
    ...property,
    get(this: Context) {
      const outermost = (this as Holder)[MOUNTED];
      const tasks: object = get.call(this);
      return outermost ? watchTasks(tasks, (task) => watchTask(outermost, task)) : tasks;
    },
  });
}

function watchTask(outermost: ContextSession, task: unknown): void {
  for (
    let contextSession: ContextSession | undefined = outermost;
    contextSession;
    contextSession = contextSession.outer
  ) {
    contextSession.watchTask(task);
  }
}

const PLAIN = { writable: true, enumerable: true, configurable: true };
