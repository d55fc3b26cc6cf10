import { hashText } from "../../src/util/hash.ts";
import { insteadOf, withoutContext } from "../../src/util/option_errors.ts";
import {
  type DurableObjectNamespaceLike,
  type DurableObjectSocketLike,
  type DurableObjectStubLike,
  isNamespace,
  MISTAKEN_NAMESPACES,
} from "./like.ts";
import type { Answer, Call, Operations } from "./operations.ts";
import type { DurableObjectStoreOptions } from "./options.ts";
import { KEY_HEADER } from "./watchers.ts";

/** A stub requires one; the object ignores it. */
const URL = "https://sessions.invalid/";

/** Where the objects are. */
export type Place = Required<DurableObjectStoreOptions>;

/** Finds the objects in the Hono context. */
export async function connect(
  place: Place,
  { c, signal }: { c: unknown; signal: AbortSignal | undefined },
): Promise<Connection> {
  return new Connection(place, { namespace: await find(place, c), signal });
}

/** Sends the requests of one operation of the store to objects. */
export class Connection {
  readonly #place: Place;
  readonly #namespace: DurableObjectNamespaceLike;
  readonly #signal: AbortSignal | undefined;

  /** @param options `signal` aborts requests that were not sent yet. */
  constructor(
    place: Place,
    { namespace, signal }: {
      namespace: DurableObjectNamespaceLike;
      signal?: AbortSignal | undefined;
    },
  ) {
    this.#place = place;
    this.#namespace = namespace;
    this.#signal = signal;
  }

  /** Returns a connection without the signal, for requests that must be sent even if the operation was aborted. */
  finishing(): Connection {
    return new Connection(this.#place, { namespace: this.#namespace });
  }

  /** Returns the number of the object of a key or a subject. */
  shardOf(text: string): number {
    return hashText(text) % this.#place.shards;
  }

  /** Sends a request to the object of a key or a subject. */
  async ask<Name extends keyof Operations>(
    text: string,
    call: Call<Name>,
  ): Promise<Answer<Name>> {
    return await this.askShard(this.shardOf(text), call);
  }

  /** Sends a request to an object, and once more if the error of the runtime can be retried. */
  async askShard<Name extends keyof Operations>(
    shard: number,
    call: Call<Name>,
  ): Promise<Answer<Name>> {
    const body = JSON.stringify({ ...call, now: this.#place.clock() });
    try {
      return await this.#send(shard, body);
    } catch (error) {
      if (!isRetryable(error) || this.#signal?.aborted) throw error;
      return await this.#send(shard, body);
    }
  }

  /** Opens a WebSocket over which the object of a record notifies of its end. */
  async listen(key: string): Promise<DurableObjectSocketLike> {
    const headers = { upgrade: "websocket", [KEY_HEADER]: key };
    const { status, webSocket } = await this.#stub(this.shardOf(key)).fetch(URL, {
      method: "GET",
      headers,
    });
    return webSocket ?? refuse(status);
  }

  async #send<Answer>(shard: number, body: string): Promise<Answer> {
    const signal = this.#signal;
    signal?.throwIfAborted();
    const init = { method: "POST", body, ...(signal && { signal }) };
    const response = await this.#stub(shard).fetch(URL, init);
    const text = await response.text();
    return response.status === 200 ? JSON.parse(text) : refuse(response.status);
  }

  /** Returns a new stub of an object: one that has failed goes on failing. */
  #stub(shard: number): DurableObjectStubLike {
    const { shards, prefix } = this.#place;
    return this.#namespace.get(this.#namespace.idFromName(`${shard}/${shards}:${prefix}`));
  }
}

/** @throws {Error} Always: the answer of an object is not one of `SessionObject`. */
function refuse(status: number): never {
  throw new Error(
    `Cannot ask Durable Object: it answered ${status}; export SessionObject as its class`,
  );
}

/** Checks whether an error of the runtime can be retried, as when the object is moved or updated. */
function isRetryable(error: unknown): boolean {
  const { retryable, overloaded } = Object(error) as { retryable?: unknown; overloaded?: unknown };
  return retryable === true && overloaded !== true;
}

async function find({ namespace }: Place, c: unknown): Promise<DurableObjectNamespaceLike> {
  if (typeof namespace !== "function") return namespace;
  let cause: unknown;
  try {
    const found: unknown = await namespace(c);
    const instead = insteadOf(found, MISTAKEN_NAMESPACES);
    if (instead) throw new TypeError(instead);
    if (isNamespace(found)) return found;
  } catch (error) {
    cause = error;
  }
  const state = c === undefined
    ? `namespace(c) failed${withoutContext(c)}`
    : "namespace(c) finds none, is its binding missing?";
  throw new TypeError(`Cannot reach Durable Objects: ${state}`, { cause });
}
