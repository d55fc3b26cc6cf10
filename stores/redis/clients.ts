import { findClient } from "./client.ts";
import { Connection } from "./connection.ts";
import { FreshClients } from "./fresh_clients.ts";
import type { RedisClientLike } from "./like.ts";
import type { RedisStoreOptions } from "./options.ts";

/** The client of a store, or those that it finds. */
export class Clients {
  readonly #client: RedisStoreOptions["client"];
  readonly #clusters = new WeakSet<RedisClientLike>();
  readonly #fresh = new FreshClients();

  constructor(client: RedisStoreOptions["client"]) {
    this.#client = client;
  }

  /** Finds the client once for all commands of an operation. */
  async connect(c: unknown, signal: AbortSignal | undefined): Promise<Connection> {
    let client = this.#client;
    if (typeof client === "function") {
      client = await findClient(client, c);
      this.#fresh.add(client, c);
    }
    return new Connection({ client, signal, clusters: this.#clusters });
  }
}
