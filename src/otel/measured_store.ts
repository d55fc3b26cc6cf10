import { isPromiseLike } from "../util/awaitable.ts";
import { monotonicTime } from "../util/clock.ts";
import type { Instruments } from "./instruments.ts";

/** The operations that are measured, of session stores and of simple ones. */
const OPERATIONS = new Set<PropertyKey>([
  "read",
  "create",
  "update",
  "replace",
  "touch",
  "delete",
  "generation",
  "deleteAll",
  "stats",
  "get",
  "set",
]);

type Method = (...args: unknown[]) => unknown;

/** A store and what records its operations. */
interface Measured {
  readonly store: object;
  readonly instruments: Instruments;
}

/** Wraps a store so that its operations are measured. It stays synchronous where the store is. */
export function measuredStore<Store extends object>(
  store: Store,
  instruments: Instruments,
): Store {
  const methods = new Map<PropertyKey, { readonly method: Method; readonly wrapped: Method }>();
  // It inherits from the store: a proxy of the store itself could not replace the methods of a frozen one.
  return new Proxy<Store>(Object.create(store), {
    get(_, name) {
      const member: unknown = Reflect.get(store, name, store);
      if (typeof member !== "function") return member;
      const known = methods.get(name);
      if (known?.method === member) return known.wrapped;
      const method = member as Method;
      const wrapped = wrap(name, method, { store, instruments });
      methods.set(name, { method, wrapped });
      return wrapped;
    },
  });
}

/** Wraps a method, with the same number of parameters. */
function wrap(name: PropertyKey, method: Method, measured: Measured): Method {
  const wrapped = wrapperOf(name)(String(name), method, measured);
  return Object.defineProperty(wrapped, "length", { value: method.length });
}

function wrapperOf(
  name: PropertyKey,
): (name: string, method: Method, measured: Measured) => Method {
  if (OPERATIONS.has(name)) return operation;
  if (name === "list") return list;
  return name === "forCookie" ? forCookie : (_, method, { store }) => method.bind(store);
}

function operation(name: string, method: Method, { store, instruments }: Measured): Method {
  return (...args) => {
    const start = monotonicTime();
    const record = (failure?: { error: unknown }) =>
      instruments.operation(name, secondsSince(start), failure);
    const fail = (error: unknown): never => {
      record({ error });
      throw error;
    };
    let result: unknown;
    try {
      result = Reflect.apply(method, store, args);
    } catch (error) {
      return fail(error);
    }
    if (!isPromiseLike(result)) {
      record();
      return result;
    }
    return result.then((value) => {
      record();
      return value;
    }, fail);
  };
}

/** Measures until the last session is read. */
function list(name: string, method: Method, { store, instruments }: Measured): Method {
  return async function* (...args) {
    const start = monotonicTime();
    let failure: { error: unknown } | undefined;
    try {
      yield* Reflect.apply(method, store, args) as AsyncIterable<unknown>;
    } catch (error) {
      failure = { error };
      throw error;
    } finally {
      instruments.operation(name, secondsSince(start), failure);
    }
  };
}

function forCookie(_: string, method: Method, { store, instruments }: Measured): Method {
  return (...args) => measuredStore(Reflect.apply(method, store, args) as object, instruments);
}

function secondsSince(start: number): number {
  return (monotonicTime() - start) / 1000;
}
