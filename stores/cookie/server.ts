import type { SessionRecord } from "../../src/record.ts";
import type { Awaitable, ListedSession, SessionStore, StoreWrite } from "../../src/store.ts";

/** What something is done for. */
export interface Call {
  /** The Hono context. */
  readonly c: unknown;
  /** Calls it off. */
  readonly signal?: AbortSignal | undefined;
}

/** A store on the server. Nothing is sent to it for what was called off. */
export class Server {
  readonly #store: SessionStore;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  read(key: string, { c, signal }: Call): Awaitable<SessionRecord | undefined> {
    signal?.throwIfAborted();
    return this.#store.read(key, c, signal);
  }

  /** Writes over a record, or where there is none. */
  write(
    key: string,
    { record, previous }: { record: SessionRecord; previous: SessionRecord | undefined },
    { c, signal }: Call,
  ): Awaitable<StoreWrite> {
    signal?.throwIfAborted();
    return previous
      ? this.#store.update(key, record, previous, c, signal)
      : this.#store.create(key, record, c, signal);
  }

  delete(key: string, { c, signal }: Call): Awaitable<void> {
    signal?.throwIfAborted();
    return this.#store.delete(key, c, signal);
  }

  list(subject: string, { c, signal }: Call): AsyncIterable<ListedSession> {
    signal?.throwIfAborted();
    return this.#store.list!(subject, c, signal);
  }
}
