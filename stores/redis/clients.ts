import type { Awaitable } from "../../src/util/awaitable.ts";
import { findClient, senderOf } from "./client.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { FreshClients } from "./fresh_clients.ts";
import type { RedisClientLike } from "./like.ts";
import type { RedisStoreOptions } from "./options.ts";

/** The client of a store, or the clients that its function finds. */
export class Clients {
  readonly #find: Extract<RedisStoreOptions["client"], (c: unknown) => unknown> | undefined;
  readonly #given: ConnectionOptions | undefined;
  readonly #clusters = new WeakSet<RedisClientLike>();
  readonly #fresh = new FreshClients();

  constructor(client: RedisStoreOptions["client"]) {
    if (typeof client === "function") this.#find = client;
    else this.#given = this.#toOptions(client);
  }

  /** Finds the client for all commands of an operation. */
  connect(c: unknown, signal: AbortSignal | undefined): Awaitable<Connection> {
    return this.#given ? new Connection(this.#given, signal) : this.#search(c, signal);
  }

  /** Finds the client that subscriptions are made with. */
  find(c: unknown): Awaitable<RedisClientLike> {
    return this.#given ? this.#given.client : findClient(this.#find!, c);
  }

  async #search(c: unknown, signal: AbortSignal | undefined): Promise<Connection> {
    const client = await findClient(this.#find!, c);
    this.#fresh.add(client, c);
    return new Connection(this.#toOptions(client), signal);
  }

  #toOptions(client: RedisClientLike): ConnectionOptions {
    return { client, send: senderOf(client), clusters: this.#clusters };
  }
}
