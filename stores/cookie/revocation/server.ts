import type { SessionRecord } from "../../../src/record/record.ts";
import type {
  ListedSession,
  ListPage,
  SessionStore,
  StoreWrite,
} from "../../../src/store/contract.ts";
import type { Awaitable } from "../../../src/util/awaitable.ts";
import { END_TRIES } from "../../../src/util/tries.ts";

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

  create(key: string, record: SessionRecord, { c, signal }: Call): Awaitable<StoreWrite> {
    signal?.throwIfAborted();
    return this.#store.create(key, record, c, signal);
  }

  /**
   * Changes a record in one step, against the writes of other requests.
   *
   * @param stored The record as far as known.
   * @param change What takes its place; nothing when it stays.
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
    throw new Error("Cannot change record: it was written too often at the same time; try again");
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
