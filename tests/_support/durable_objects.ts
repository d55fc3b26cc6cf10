import type {
  DurableObjectNamespaceLike,
  DurableObjectSocketLike,
} from "@x/hono-session/stores/durable-objects";
import type { Order } from "./durable_objects_app.ts";
import { bundleApp, openWorkers } from "./workers.ts";

/** The tables of an object. */
export type Rows = Record<"records" | "ends" | "entries" | "generations", Row[]>;

type Row = Record<string, string | number | null>;

/** Durable Objects in workerd. */
export interface Objects extends AsyncDisposable {
  readonly namespace: DurableObjectNamespaceLike;
  /** The same namespace, in which some requests meet what is ordered. */
  ordered(orderOf: (call: Asked) => Order | undefined): DurableObjectNamespaceLike;
  /** Gives an order to one object. */
  order<Answer>(name: string, order: Order, now?: number): Promise<Answer>;
}

/** A request to an object. */
export interface Asked {
  /** The name of the object. */
  readonly name: string;
  readonly operation: string;
  readonly key?: string;
}

/** Opens a WebSocket as a stub does; none where it is refused. */
async function openSocket(
  url: URL,
  { upgrade: _, ...headers }: Record<string, string>,
): Promise<DurableObjectSocketLike | null> {
  url.protocol = "ws:";
  const socket = new WebSocket(url, { headers } as never);
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.addEventListener("open", () => resolve(true));
    socket.addEventListener("error", () => resolve(false));
  });
  if (!isOpen) return null;
  return {
    accept() {},
    addEventListener: (type, listener) =>
      socket.addEventListener(type, (event) => listener(event as MessageEvent)),
    send: (message) => socket.send(message),
    close: () => socket.close(),
  };
}

/** Starts workerd with Durable Objects; `undefined`, with a line that says why, where it does not start. */
export async function openObjects(): Promise<Objects | undefined> {
  const program = await bundleApp("durable_objects_app.ts");
  const workers = await openWorkers(program, { objects: { SESSIONS: "TestObject" } });
  if (!workers) return undefined;

  const send = async (name: string, init: RequestInit) => {
    const response = await fetch(new URL(`/${encodeURIComponent(name)}`, workers.url), init);
    if (response.status === 599) throw new Error(await response.text());
    return response;
  };
  const ordered = (orderOf: (call: Asked) => Order | undefined): DurableObjectNamespaceLike => ({
    idFromName: (name) => name,
    get: (name) => ({
      async fetch(_url, { headers: given = {}, ...init }) {
        const call = init.body === undefined ? { operation: "watch" } : JSON.parse(init.body);
        const order = orderOf({ name, ...call });
        const headers = { ...given, ...(order && { "x-order": order }) };
        if (call.operation !== "watch") return await send(String(name), { ...init, headers });
        const webSocket = await openSocket(
          new URL(`/${encodeURIComponent(String(name))}`, workers.url),
          headers,
        );
        return { status: webSocket ? 101 : 599, webSocket, text: () => Promise.resolve("") };
      },
    }),
  });
  return {
    namespace: ordered(() => undefined),
    ordered,
    async order(name, order, now) {
      const headers = { "x-order": order, ...(now !== undefined && { "x-now": String(now) }) };
      return await (await send(name, { headers })).json();
    },
    [Symbol.asyncDispose]: () => workers[Symbol.asyncDispose](),
  };
}
