import type { Context } from "hono";
import { propertyOf, setProperty } from "../util/property.ts";
import { watchTasks } from "./background_tasks.ts";
import { type ContextSession, contextSessionOf, MOUNTED, type SessionHolder } from "./context.ts";
import { SESSION, TOKEN } from "./context_variables.ts";

/** The names of the sessions on the contexts of a prototype. */
const EXPOSED = new WeakMap<object, Set<string>>();

/** The methods of a Hono context for its variables. */
interface Accessors {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
}

/** Attaches a session to a context. */
export function attachSession(c: Context, contextSession: ContextSession): void {
  (c as SessionHolder)[MOUNTED] = contextSession;
  showVariables(c as Accessors, contextSession);
  const { contextKey } = contextSession.config;
  const prototype = Object.getPrototypeOf(c);
  const names = EXPOSED.get(prototype);
  if (!names?.has(contextKey)) expose(prototype, contextKey, names);
}

/** Shows the variables of a session on its context. Each read computes them: a copy would have to follow changes. */
function showVariables(c: Accessors, contextSession: ContextSession): void {
  const { get, set } = c;
  const { variables } = contextSession;
  // Assigned directly, the function literals would stay in memory with the request until a full garbage collection.
  const read = (key: string) => {
    const variable = variables.get(key);
    return variable ? variable.read(contextSession) : get(key);
  };
  const assign = (key: string, value: unknown) => {
    const variable = variables.get(key);
    if (variable) variable.assign(contextSession, value);
    else set(key, value);
  };
  c.get = read;
  c.set = assign;
}

/**
 * Defines `c.session` on the prototype of a context: a property on each context would cost more than everything
 * else.
 */
function expose(prototype: object, contextKey: string, names?: Set<string>): void {
  if (!names) watchContexts(prototype);
  EXPOSED.set(prototype, new Set(names).add(contextKey));
  // The property of another copy of this package, for its own contexts.
  const other = Object.getOwnPropertyDescriptor(prototype, contextKey);
  Object.defineProperty(prototype, contextKey, {
    get(this: Context) {
      const contextSession = contextSessionOf(this, contextKey);
      return contextSession ? SESSION.read(contextSession) : other?.get?.call(this);
    },
    set(this: Context, value: unknown) {
      const contextSession = contextSessionOf(this, contextKey);
      if (contextSession) SESSION.assign(contextSession, value);
      else if (other?.set) other.set.call(this, value);
      // Without a middleware the name is an ordinary property.
      else setProperty(this, contextKey, value);
    },
    configurable: true,
  });
}

/** Watches properties of all contexts of a prototype. A property that is not read costs nothing. */
function watchContexts(prototype: object): void {
  // Adds cache headers as soon as the response is read, for example by a cache between the session and the handler.
  watch<Response>(prototype, "res", (mounted, c, get) => {
    mounted.mark(get);
    return get.call(c);
  });
  watch<Record<string, unknown>>(
    prototype,
    "var",
    (mounted, c, get) => addVariables(get.call(c), mounted),
  );
  for (const name of ["executionCtx", "event"]) {
    watch<object>(
      prototype,
      name,
      (mounted, c, get) => watchTasks(get.call(c), (task) => mounted.watchTask(task)),
    );
  }
}

/** Changes what contexts with a session return for a property. Only `res` can be assigned to. */
function watch<Value>(
  prototype: object,
  name: string,
  read: (mounted: ContextSession, c: SessionHolder, get: () => Value) => Value,
): void {
  const property = propertyOf(prototype, name);
  const { get, set } = property ?? {};
  if (!get) return;
  Object.defineProperty(prototype, name, {
    ...property,
    get(this: SessionHolder) {
      const mounted = this[MOUNTED];
      return mounted ? read(mounted, this, get) : get.call(this);
    },
    ...(set && {
      set(this: SessionHolder, response: Response | undefined) {
        set.call(this, response);
        if (response) this[MOUNTED]?.response.take(response, get.call(this));
      },
    }),
  });
}

/** Adds the variables of sessions to those of the application. */
function addVariables(
  all: Record<string, unknown>,
  session: ContextSession,
): Record<string, unknown> {
  for (const [name, variable] of session.variables) {
    if (variable !== TOKEN) all[name] = variable.read(session);
    // Copying the variables reads the token; listing their names does not.
    else {
      Object.defineProperty(all, name, { get: () => variable.read(session), enumerable: true });
    }
  }
  return session.outer ? addVariables(all, session.outer) : all;
}
