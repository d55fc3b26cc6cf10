import type { Context } from "hono";
import { propertyOf } from "../util/property.ts";
import { watchTasks } from "./background_tasks.ts";
import { type ContextSession, contextSessionOf, MOUNTED, type SessionHolder } from "./context.ts";

/** Where the prototype of a kind of context holds the names that it gives its sessions. */
const EXPOSED = Symbol("hono-session names");

/** A context, or the prototype of all contexts of a kind. */
type Holder = SessionHolder & { [EXPOSED]?: Exposed };

const NO_NAMES: ReadonlySet<string> = new Set();

/** The names that the contexts of a prototype have for their sessions. */
interface Exposed {
  readonly prototype: object;
  readonly names: ReadonlySet<string>;
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
