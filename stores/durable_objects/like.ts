import { hasMethods, type Mistakes } from "../../src/util/option_errors.ts";

/**
 * The methods of a Durable Object namespace that the store uses. The binding itself has them, and so does the result of
 * its `jurisdiction("eu")`.
 *
 * @example Objects that stay in one jurisdiction
 * ```ts
 * import { type DurableObjectNamespaceLike, DurableObjectStore } from "@x/hono-session/stores/durable-objects";
 *
 * interface Namespace extends DurableObjectNamespaceLike {
 *   jurisdiction(name: "eu"): Namespace;
 * }
 * const inEurope = (namespace: Namespace) => namespace.jurisdiction("eu");
 * new DurableObjectStore({ namespace: (c) => inEurope(c.env.SESSIONS) });
 * ```
 */
export interface DurableObjectNamespaceLike {
  /**
   * Returns the identifier of an object.
   *
   * @param name The name of the object.
   * @returns The identifier, for `get`.
   */
  idFromName(name: string): unknown;
  /**
   * Returns the stub of an object. It makes no request.
   *
   * @param id The identifier.
   * @returns The stub.
   */
  get(id: unknown): DurableObjectStubLike;
}

/**
 * The part of a stub that the store uses.
 *
 * @example A stub that fails, for a test
 * ```ts
 * import type { DurableObjectStubLike } from "@x/hono-session/stores/durable-objects";
 *
 * const stub: DurableObjectStubLike = { fetch: () => Promise.reject(new Error("overloaded")) };
 * console.log(typeof stub.fetch);
 * ```
 */
export interface DurableObjectStubLike {
  /**
   * Sends a request to the object.
   *
   * @param url The URL, which the object ignores.
   * @param init The request.
   * @returns The response of the object, and the WebSocket that a request asked for.
   */
  fetch(
    url: string,
    init: {
      method: string;
      body?: string;
      headers?: Record<string, string>;
      signal?: AbortSignal;
    },
  ): Promise<{
    readonly status: number;
    readonly webSocket?: DurableObjectSocketLike | null;
    text(): Promise<string>;
  }>;
}

/**
 * The part of a WebSocket of Workers that the store uses.
 *
 * @example A WebSocket without messages, for a test
 * ```ts
 * import type { DurableObjectSocketLike } from "@x/hono-session/stores/durable-objects";
 *
 * const socket: DurableObjectSocketLike = { accept() {}, addEventListener() {}, send() {}, close() {} };
 * socket.accept();
 * ```
 */
export interface DurableObjectSocketLike {
  /** Starts to receive messages. */
  accept(): void;
  /**
   * Adds a listener.
   *
   * @param type The type of the event.
   * @param listener Receives the event.
   */
  addEventListener(
    type: "message" | "close" | "error",
    listener: (event: { readonly type: string; readonly data?: unknown }) => void,
  ): void;
  /**
   * Sends a message.
   *
   * @param message The message.
   */
  send(message: string): void;
  /** Closes it. */
  close(): void;
}

/**
 * The part of the state of a Durable Object that {@linkcode SessionObject} uses: the first argument of its constructor.
 *
 * @example Usage
 * ```ts
 * import type { DurableObjectStateLike } from "@x/hono-session/stores/durable-objects";
 *
 * const sizeOf = ({ storage }: DurableObjectStateLike): number =>
 *   storage.sql.exec("SELECT count(*) AS size FROM records").toArray()[0]!["size"] as number;
 * console.log(typeof sizeOf);
 * ```
 */
export interface DurableObjectStateLike {
  /** The storage of the object, with SQLite. */
  readonly storage: DurableObjectStorageLike;
  /**
   * Accepts a WebSocket that stays open while the object hibernates.
   *
   * @param socket The end of the object.
   * @param tags The names by which it is found.
   */
  acceptWebSocket?(socket: DurableObjectSocketLike, tags: string[]): void;
  /**
   * Returns the open WebSockets with a tag.
   *
   * @param tag The tag.
   * @returns The ends of the object.
   */
  getWebSockets?(tag: string): DurableObjectSocketLike[];
}

/**
 * The part of the storage of a Durable Object that {@linkcode SessionObject} uses.
 *
 * @example Usage
 * ```ts
 * import type { DurableObjectStorageLike } from "@x/hono-session/stores/durable-objects";
 *
 * const isScheduled = async (storage: DurableObjectStorageLike) => await storage.getAlarm() !== null;
 * console.log(typeof isScheduled);
 * ```
 */
export interface DurableObjectStorageLike {
  /** The database, which is synchronous. */
  readonly sql: {
    exec(
      query: string,
      ...bindings: (string | number | null)[]
    ): { toArray(): Record<string, unknown>[] };
  };
  /**
   * Returns the time of the next alarm.
   *
   * @returns Epoch milliseconds, or `null` when none is set.
   */
  getAlarm(): Promise<number | null>;
  /**
   * Sets the next alarm.
   *
   * @param time Epoch milliseconds.
   */
  setAlarm(time: number): Promise<void>;
}

/** Checks whether a value has the methods of a namespace. */
export function isNamespace(value: unknown): value is DurableObjectNamespaceLike {
  return hasMethods(value, "idFromName", "get");
}

/** Common mistakes in the option `namespace`, and what to do instead. */
export const MISTAKEN_NAMESPACES: Mistakes = [
  [
    (value) => typeof value === "string",
    "pass the binding itself, not its name: (c) => c.env.SESSIONS",
  ],
  [
    (value) => hasMethods(value, "get", "put", "delete", "getWithMetadata"),
    "it is a KV namespace, use new CloudflareKvStore({ namespace })",
  ],
  [(value) => hasMethods(value, "getAlarm"), "it is the storage of a Durable Object"],
];
