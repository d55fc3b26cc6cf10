import {
  type Clock,
  type DeleteAllOptions,
  type ListedSession,
  type ListPage,
  type OnSessionEnd,
  SessionEndedError,
  type SessionEndReason,
  type SessionRecord,
  type SessionStore,
  type SessionTimes,
  SessionTooLargeError,
  type StoreCapabilities,
  type StoreReplacement,
  type StoreStats,
} from "@x/hono-session";
import { Revocations, SignedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { SECRET } from "./cookie_stores.ts";

export const MAX_BYTES = 500_000;

/** The end of all sessions of a subject. */
export interface End {
  readonly generation: number;
  readonly except: string | undefined;
  /** The oldest generation of which the excepted one may be. */
  readonly since: number;
}

/** A store that keeps the whole contract, in parts that can be broken one by one. */
export class SoundStore implements SessionStore {
  readonly capabilities: StoreCapabilities = {
    atomic: true,
    index: true,
    ordered: true,
    consistency: "strong",
    maxBytes: MAX_BYTES,
    abortable: true,
    watch: true,
    stats: true,
  };
  readonly watchers = new Set<OnSessionEnd>();
  readonly records = new Map<string, SessionRecord>();
  /** The keys of every subject. */
  readonly entries = new Map<string, Set<string>>();
  /** What the last end of all sessions of a subject was. */
  readonly ends = new Map<string, End>();
  readonly clock: Clock;
  isAtomic = true;
  isDown = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async read(key: string, _c?: unknown, signal?: AbortSignal): Promise<SessionRecord | undefined> {
    await this.begin(signal);
    const record = this.live(key);
    return record && this.copy(record);
  }

  async create(key: string, record: SessionRecord, _c?: unknown, signal?: AbortSignal) {
    await this.begin(signal);
    this.assertFits(record);
    if (this.live(key)) return false;
    this.assertNotEnded(record);
    if (!this.isAtomic) await Promise.resolve();
    return this.put(key, record);
  }

  async update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    _c?: unknown,
    signal?: AbortSignal,
  ) {
    await this.begin(signal);
    this.assertFits(record);
    if (!this.matches(key, previous)) return false;
    if (record.subject !== this.live(key)!.subject) this.assertNotEnded(record);
    if (!this.isAtomic) await Promise.resolve();
    return this.put(key, record);
  }

  async replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    _c?: unknown,
    signal?: AbortSignal,
  ) {
    await this.begin(signal);
    this.assertFits(next.record);
    if (!this.matches(key, previous) || this.live(next.key)) return false;
    this.assertNotEnded(next.record);
    if (!this.isAtomic) await Promise.resolve();
    this.remove(key);
    if (next.left) this.put(key, next.left);
    return this.put(next.key, next.record);
  }

  async touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    _c?: unknown,
    signal?: AbortSignal,
  ) {
    await this.begin(signal);
    if (!this.matches(key, previous)) return false;
    const record = this.live(key)!;
    if (!this.isAtomic) await Promise.resolve();
    return this.put(key, this.touched(record, times));
  }

  async delete(
    key: string,
    _c?: unknown,
    signal?: AbortSignal,
    reason?: SessionEndReason,
  ): Promise<void> {
    await this.begin(signal);
    this.remove(key, reason);
  }

  stats(): StoreStats {
    const live = [...this.records.keys()].flatMap((key) => this.live(key) ?? []);
    return this.count(live.flatMap(({ subject }) => subject ?? []));
  }

  /** The numbers of live sessions with these subjects. */
  count(subjects: readonly string[]): StoreStats {
    return { sessions: subjects.length, subjects: new Set(subjects).size };
  }

  async *list(
    subject: string,
    { after }: ListPage = {},
    _c?: unknown,
    signal?: AbortSignal,
  ): AsyncGenerator<ListedSession> {
    await this.begin(signal);
    const sessions: ListedSession[] = [];
    for (const key of this.entries.get(subject) ?? []) {
      const record = this.live(key);
      if (record) sessions.push({ key, record: this.copy(record) });
    }
    sessions.sort(({ record: one }, { record: other }) => {
      const age = (other.subjectAt ?? 0) - (one.subjectAt ?? 0);
      return age === 0 ? one.sid < other.sid ? 1 : -1 : age;
    });
    for (const session of sessions) {
      const { sid, subjectAt = 0 } = session.record;
      if (after && subjectAt > after.subjectAt) continue;
      if (after && subjectAt === after.subjectAt && sid >= after.sid) continue;
      yield session;
    }
  }

  async generation(subject: string, _c?: unknown, signal?: AbortSignal): Promise<number> {
    await this.begin(signal);
    return this.present(subject);
  }

  async deleteAll(
    subject: string,
    options: DeleteAllOptions,
    _c?: unknown,
    signal?: AbortSignal,
  ): Promise<number> {
    await this.begin(signal);
    this.end(subject, options);
    let ended = 0;
    for (const key of this.entries.get(subject) ?? []) {
      const record = this.live(key);
      if (record && record.sid === options.except) continue;
      if (record) ended++;
      this.remove(key, "revoked");
    }
    return ended;
  }

  watch(onEnd: OnSessionEnd): () => void {
    const watcher: OnSessionEnd = (key, reason) => onEnd(key, reason);
    this.watchers.add(watcher);
    return () => void this.watchers.delete(watcher);
  }

  notify(key: string, reason?: SessionEndReason): void {
    for (const watcher of this.watchers) watcher(key, reason);
  }

  /** What every operation begins with. */
  begin(signal: AbortSignal | undefined): unknown {
    if (this.isDown) throw new Error("connection refused");
    signal?.throwIfAborted();
    return undefined;
  }

  assertFits(record: SessionRecord): void {
    const size = new TextEncoder().encode(JSON.stringify(record)).length;
    if (size <= MAX_BYTES) return;
    const sizes = { size, limit: MAX_BYTES };
    throw new SessionTooLargeError("Cannot store session: it is too large", sizes);
  }

  live(key: string): SessionRecord | undefined {
    const record = this.records.get(key);
    return record && this.clock() < record.expiresAt ? record : undefined;
  }

  matches(key: string, previous: SessionRecord): boolean {
    return this.live(key)?.version === previous.version;
  }

  touched(record: SessionRecord, times: SessionTimes): SessionRecord {
    return { ...record, ...times };
  }

  copy(record: SessionRecord): SessionRecord {
    return { ...record };
  }

  put(key: string, record: SessionRecord): boolean {
    this.unlist(key);
    this.records.set(key, this.copy(record));
    this.enlist(key, record);
    return true;
  }

  remove(key: string, reason?: SessionEndReason): void {
    this.unlist(key);
    this.records.delete(key);
    this.notify(key, reason);
  }

  enlist(key: string, { subject }: SessionRecord): void {
    if (subject === undefined) return;
    const keys = this.entries.get(subject) ?? new Set();
    this.entries.set(subject, keys.add(key));
  }

  unlist(key: string): void {
    const { subject } = this.records.get(key) ?? {};
    if (subject !== undefined) this.entries.get(subject)?.delete(key);
  }

  /** Remembers that all sessions of a subject were ended. */
  end(subject: string, { except }: DeleteAllOptions): void {
    const generation = Math.max(this.present(subject) + 1, Math.floor(this.clock()));
    const since = except === undefined ? 0 : this.oldest(subject, except);
    this.ends.set(subject, { generation, except, since });
  }

  present(subject: string): number {
    return this.ends.get(subject)?.generation ?? 0;
  }

  /** The oldest generation of which a session may be. */
  oldest(subject: string, sid: string): number {
    const { generation = 0, except, since = 0 } = this.ends.get(subject) ?? {};
    return sid === except ? since : generation;
  }

  assertNotEnded({ sid, subject, generation = 0 }: SessionRecord): void {
    if (subject === undefined || generation >= this.oldest(subject, sid)) return;
    throw new SessionEndedError("Cannot store session: all of its subject were ended");
  }
}

/** The same for a store whose token is the record. */
export class SoundStatelessStore extends SignedCookieStore {
  constructor(clock: Clock) {
    super({
      secret: SECRET,
      clock,
      revocations: new Revocations(new MapStore({ clock, maxEntries: Infinity })),
    });
  }
}

/** A mistake in a store, and the cases of the conformance suite that are there to find it. */
export interface BrokenStore {
  mistake: string;
  open(clock: Clock): SessionStore;
  finds: string[];
}

export function broken(
  mistake: string,
  Store: new (clock: Clock) => SessionStore,
  ...finds: string[]
): BrokenStore {
  return { mistake, open: (clock) => new Store(clock), finds };
}
