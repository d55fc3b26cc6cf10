import type { RedisClientLike } from "./like.ts";

/** The number of consecutive requests with a new client each that triggers the warning. */
const MANY = 10;

/** Warns once when the application creates a client for each request. */
export class FreshClients {
  readonly #requests = new WeakMap<RedisClientLike, WeakRef<object>>();
  #inARow = 0;

  /** Records the client of a request. */
  add(client: RedisClientLike, c: unknown): void {
    if (this.#inARow === MANY || typeof c !== "object" || c === null) return;
    const first = this.#requests.get(client);
    if (first) {
      if (first.deref() !== c) this.#inARow = 0;
      return;
    }
    this.#requests.set(client, new WeakRef(c));
    if (++this.#inARow < MANY) return;
    console.warn(
      `hono-session: client(c) gave RedisStore a new client for each of ${MANY} requests. Each of them opens a ` +
        "connection of its own. Connect one client when the app starts, and return that.",
    );
  }
}
