import type { SessionRecord } from "../../../src/record/record.ts";
import type {
  ListedSession,
  ListPage,
  SessionStore,
  StoreWrite,
} from "../../../src/store/contract.ts";
import type { Awaitable } from "../../../src/util/awaitable.ts";
import { END_TRIES } from "../../../src/util/tries.ts";

/** The context of an operation. */
export interface Call {
  /** The Hono context. */
  readonly c: unknown;
  /** Aborts it. */
  readonly signal?: AbortSignal | undefined;
}

/** A store on the server. Aborted operations send nothing to it. */
export class Server {
  readonly #store: SessionStore;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  read(key: string, { c, signal }: Call): Awaitable<SessionRecord | undefined> {
    signal?.throwIfAborted();
    return this.#store.read(key, c, signal);
  }

  create(key: string, record: SessionRecord, { c, signal }: Call): Awaitable<StoreWrite> {
    signal?.throwIfAborted();
    return this.#store.create(key, record, c, signal);
  }

  /**
   * Changes a record atomically; retries when another request writes it first.
   *
   * @param stored The last known record.
   * @param change Returns the new record; `undefined` leaves it unchanged.
   */
  async change(
    key: string,
    { stored, change }: {
      stored: SessionRecord | undefined;
      change: (stored: SessionRecord | undefined) => SessionRecord | undefined;
    },
    call: Call,
  ): Promise<void> {
    for (let tries = 0; tries < END_TRIES; tries++) {
      if (tries > 1) await pause();
      const record = change(stored);
      if (!record || await this.#write(key, { record, previous: stored }, call)) return;
      stored = await this.read(key, call);
    }
    throw new Error("Cannot change record: too many concurrent writes; try again");
  }

  #write(
    key: string,
    { record, previous }: { record: SessionRecord; previous: SessionRecord | undefined },
    { c, signal }: Call,
  ): Awaitable<StoreWrite> {
    if (!previous) return this.create(key, { ...record, version: 1 }, { c, signal });
    signal?.throwIfAborted();
    const next = { ...record, version: previous.version + 1 };
    return this.#store.update(key, next, previous, c, signal);
  }

  delete(key: string, { c, signal }: Call): Awaitable<void> {
    signal?.throwIfAborted();
    return this.#store.delete(key, c, signal);
  }

  list(subject: string, page: ListPage, { c, signal }: Call): AsyncIterable<ListedSession> {
    signal?.throwIfAborted();
    return this.#store.list!(subject, page, c, signal);
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 20));
}
