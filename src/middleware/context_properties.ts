import type { Context } from "hono";
import { propertyOf } from "../util/property.ts";
import { watchTasks } from "./background_tasks.ts";
import { type ContextSession, contextSessionOf, MOUNTED, type SessionHolder } from "./context.ts";

/** The property of a context prototype that holds the names of its sessions. */
const EXPOSED = Symbol("hono-session names");

/** A context, or the prototype of a class of contexts. */
type Holder = SessionHolder & { [EXPOSED]?: Exposed };

const NO_NAMES: ReadonlySet<string> = new Set();

/** The names of sessions on the contexts of a prototype. */
interface Exposed {
  readonly prototype: object;
  readonly names: ReadonlySet<string>;
}

/** Attaches a session to a context. */
export function attachSession(c: Context, contextSession: ContextSession): void {
  const { contextKey } = contextSession.config;
  const holder = c as Holder;
  holder[MOUNTED] = contextSession;
  const prototype = Object.getPrototypeOf(c);
  const exposed = holder[EXPOSED];
  // A derived prototype may have a property of its own with that name.
  const names = exposed && exposed.prototype === prototype ? exposed.names : NO_NAMES;
  if (!names.has(contextKey)) expose(prototype, contextKey, names);
}

/**
 * Defines `c.session` on the prototype of a context: a property on each context would cost more than everything
 * else.
 */
function expose(prototype: Holder, contextKey: string, names: ReadonlySet<string>): void {
  if (names.size === 0) {
    watchResponses(prototype);
    for (const name of ["executionCtx", "event"]) watchBackground(prototype, name);
  }
  prototype[EXPOSED] = { prototype, names: new Set([...names, contextKey]) };
  // The property of another copy of this package, for its own contexts.
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
      // Without a middleware the name is an ordinary property.
      else Object.defineProperty(this, contextKey, { value, ...PLAIN });
    },
    configurable: true,
  });
}

/**
 * Adds cache headers to a response as soon as it is read, for example by a cache between the session and the
 * handler. A response that is not read costs nothing.
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

/** Watches background tasks on all contexts of a prototype. An execution context that is not read costs nothing. */
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
