import type { SessionEndReason } from "../record/end_reason.ts";
import type { SessionRecord, SessionTimes } from "../record/record.ts";
import { andThen, type Awaitable, isPromiseLike } from "../util/awaitable.ts";
import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  OnSessionEnd,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
  StoreStats,
  StoreWrite,
} from "./contract.ts";
import type { StoreGeneration } from "./store_generation.ts";

/** A store that has no sessions of older generations. */
export class GenerationStore implements SessionStore {
  readonly capabilities: StoreCapabilities;
  readonly #store: SessionStore;
  readonly #generation: StoreGeneration;
  /** The generations of records that were written without one, by their caller's object. */
  readonly #written = new WeakMap<SessionRecord, number>();

  constructor(store: SessionStore, generation: StoreGeneration) {
    this.capabilities = store.capabilities;
    this.#store = store;
    this.#generation = generation;
  }

  read(key: string, c?: unknown, signal?: AbortSignal): Awaitable<SessionRecord | undefined> {
    const generation = this.#generation.get(c, signal);
    if (!isPromiseLike(generation)) {
      return andThen(this.#store.read(key, c, signal), ifCurrent, generation);
    }
    const reading = (async () => await this.#store.read(key, c, signal))();
    return Promise.all([reading, generation]).then(([record, current]) =>
      ifCurrent(record, current)
    );
  }

  create(
    key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<StoreWrite> {
    return andThen(
      this.#generation.get(c, signal),
      (current) => {
        const { storeGeneration = current } = record;
        return this.#store.create(key, this.#stamped(record, storeGeneration), c, signal);
      },
    );
  }

  update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<StoreWrite> {
    return this.#ifCurrent(
      previous,
      (own) => this.#store.update(key, this.#stamped(record, own), previous, c, signal),
      { c, signal },
    );
  }

  replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<StoreWrite> {
    return this.#ifCurrent(previous, (own) => {
      const { left } = next;
      const replacement = {
        ...next,
        record: this.#stamped(next.record, own),
        ...left && { left: this.#stamped(left, own) },
      };
      return this.#store.replace(key, replacement, previous, c, signal);
    }, { c, signal });
  }

  touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<StoreWrite> {
    return this.#ifCurrent(
      previous,
      () => this.#store.touch(key, times, previous, c, signal),
      { c, signal },
    );
  }

  delete(
    key: string,
    c?: unknown,
    signal?: AbortSignal,
    reason?: SessionEndReason,
  ): Awaitable<void> {
    return this.#store.delete(key, c, signal, reason);
  }

  async *list(
    subject: string,
    page?: ListPage,
    c?: unknown,
    signal?: AbortSignal,
  ): AsyncGenerator<ListedSession> {
    // Sessions of another cookie have generations of their own.
    const generations = new Map<string, number>();
    for await (const session of this.#store.list!(subject, page, c, signal)) {
      const { record } = session;
      const { cookieName = "" } = record;
      const current = generations.get(cookieName) ??
        await this.#generation.of(cookieName, c, signal);
      generations.set(cookieName, current);
      if (isCurrent(record, current)) yield session;
    }
  }

  generation(subject: string, c?: unknown, signal?: AbortSignal): Awaitable<number> {
    return this.#store.generation?.(subject, c, signal) ?? 0;
  }

  deleteAll(
    subject: string,
    options: DeleteAllOptions,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<number> {
    return this.#store.deleteAll!(subject, options, c, signal);
  }

  stats(c?: unknown, signal?: AbortSignal): Awaitable<StoreStats> {
    return this.#store.stats!(c, signal);
  }

  outdated(record: SessionRecord): boolean {
    return this.#store.outdated?.(record) ?? false;
  }

  watch(onEnd: OnSessionEnd, c?: unknown, key?: string): Awaitable<() => Awaitable<void>> {
    return this.#store.watch!(onEnd, c, key);
  }

  /** Runs a write of a session, unless the session is of an older generation. */
  #ifCurrent(
    previous: SessionRecord,
    write: (own: number) => Awaitable<StoreWrite>,
    { c, signal }: { c: unknown; signal: AbortSignal | undefined },
  ): Awaitable<StoreWrite> {
    const own = previous.storeGeneration ?? this.#written.get(previous) ?? 0;
    return andThen(this.#generation.get(c, signal), (current) => own >= current && write(own));
  }

  #stamped(record: SessionRecord, storeGeneration: number): SessionRecord {
    if (storeGeneration === 0) return record;
    this.#written.set(record, storeGeneration);
    return { ...record, storeGeneration };
  }
}

function isCurrent({ storeGeneration = 0 }: Partial<SessionRecord>, current: number): boolean {
  return storeGeneration >= current;
}

function ifCurrent(
  record: SessionRecord | undefined,
  current: number,
): SessionRecord | undefined {
  return record && isCurrent(record, current) ? record : undefined;
}
