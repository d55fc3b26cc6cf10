import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  SessionRecord,
  StoreReplacement,
} from "@x/hono-session";
import { broken, type BrokenStore, SoundStore } from "./sound_store.ts";

/** A sound store that forgets the generation of a subject a day after it began. */
class ForgetfulStore extends SoundStore {
  readonly #begun = new Map<string, number>();

  override end(subject: string, options: DeleteAllOptions) {
    super.end(subject, options);
    this.remember(subject);
  }

  override present(subject: string): number {
    this.#forget(subject);
    return super.present(subject);
  }

  override oldest(subject: string, sid: string): number {
    this.#forget(subject);
    return super.oldest(subject, sid);
  }

  remember(subject: string) {
    this.#begun.set(subject, this.clock());
  }

  #forget(subject: string) {
    if (this.clock() - (this.#begun.get(subject) ?? 0) >= 86_400_000) this.ends.delete(subject);
  }
}

/** Mistakes that authors of stores make in what concerns the subjects of sessions. */
export const BROKEN_INDEXES: BrokenStore[] = [
  broken(
    "a generation is what the clock says",
    class extends SoundStore {
      override end(subject: string, options: DeleteAllOptions) {
        super.end(subject, options);
        const end = this.ends.get(subject)!;
        this.ends.set(subject, { ...end, generation: Math.max(end.generation, this.clock()) });
      }
    },
    "a generation is a whole number, whatever the clock says",
  ),
  broken(
    "sessions that have expired are counted",
    class extends SoundStore {
      override stats() {
        return this.count([...this.records.values()].flatMap(({ subject }) => subject ?? []));
      }
    },
    "stats count the live sessions that belong to a subject, and these subjects",
  ),
  broken(
    "sessions of nobody are counted",
    class extends SoundStore {
      override stats() {
        const live = [...this.records.keys()].flatMap((key) => this.live(key) ?? []);
        return this.count(live.map(({ subject = "nobody" }) => subject));
      }
    },
    "stats count the live sessions that belong to a subject, and these subjects",
  ),
  broken(
    "subjects are counted as often as they have sessions",
    class extends SoundStore {
      override count(subjects: readonly string[]) {
        return { sessions: subjects.length, subjects: subjects.length };
      }
    },
    "stats count the live sessions that belong to a subject, and these subjects",
  ),
  broken(
    "a list shows the sessions of all",
    class extends SoundStore {
      override async *list(): AsyncGenerator<ListedSession> {
        for (const subject of this.entries.keys()) yield* super.list(subject);
      }
    },
    "a list shows every session of its subject, and nothing else",
  ),
  broken(
    "a subject has one entry, that of its latest session",
    class extends SoundStore {
      override enlist(key: string, record: SessionRecord) {
        if (record.subject !== undefined) this.entries.delete(record.subject);
        super.enlist(key, record);
      }
    },
    "a list shows every session of its subject, and nothing else",
    "two keys of one session are two entries",
  ),
  broken(
    "an entry shows what its session was when it was made",
    class extends SoundStore {
      readonly #first = new Map<string, SessionRecord>();
      override async *list(...args: Parameters<SoundStore["list"]>): AsyncGenerator<ListedSession> {
        for await (const { key } of super.list(...args)) {
          yield { key, record: this.#first.get(key)! };
        }
      }
      override enlist(key: string, record: SessionRecord) {
        if (!this.#first.has(key)) this.#first.set(key, record);
        super.enlist(key, record);
      }
    },
    "a list shows what the store holds now, as private copies",
  ),
  broken(
    "a list shares its objects",
    class extends SoundStore {
      override async *list(...args: Parameters<SoundStore["list"]>): AsyncGenerator<ListedSession> {
        for await (const { key } of super.list(...args)) {
          yield { key, record: this.records.get(key)! };
        }
      }
    },
    "a list shows what the store holds now, as private copies",
  ),
  broken(
    "a write leaves the entry of the subject until now",
    class extends SoundStore {
      override put(key: string, record: SessionRecord) {
        this.records.set(key, record);
        this.enlist(key, record);
        return true;
      }
    },
    "an entry follows the subject of its session",
    "the key of an expired session can be another subject's",
  ),
  broken(
    "only create makes an entry",
    class extends SoundStore {
      override create(...args: Parameters<SoundStore["create"]>) {
        this.enlist(args[0], args[1]);
        return super.create(...args);
      }
      override put(key: string, record: SessionRecord) {
        this.records.set(key, record);
        return true;
      }
    },
    "an entry follows the subject of its session",
    "delete removes the entry, and replace moves it",
    "a write that is refused leaves the lists as they are",
  ),
  broken(
    "delete and replace leave the entry, which is shown",
    class extends SoundStore {
      readonly #last = new Map<string, SessionRecord>();
      override async *list(subject: string): AsyncGenerator<ListedSession> {
        for (const key of this.entries.get(subject) ?? []) {
          yield { key, record: this.#last.get(key)! };
        }
      }
      override put(key: string, record: SessionRecord) {
        this.#last.set(key, record);
        return super.put(key, record);
      }
      override remove(key: string) {
        this.records.delete(key);
      }
    },
    "delete removes the entry, and replace moves it",
    "deleteAll ends every session of a subject, and no other",
    "an entry expires with its session, also after a renewal",
  ),
  broken(
    "what has expired is listed",
    class extends SoundStore {
      override async *list(subject: string): AsyncGenerator<ListedSession> {
        for (const key of this.entries.get(subject) ?? []) {
          yield { key, record: this.records.get(key)! };
        }
      }
    },
    "an entry expires with its session, also after a renewal",
  ),
  broken(
    "touch and update leave the end of the entry",
    class extends SoundStore {
      readonly #ends = new Map<string, number>();
      override async *list(...args: Parameters<SoundStore["list"]>): AsyncGenerator<ListedSession> {
        for await (const session of super.list(...args)) {
          if (this.clock() < this.#ends.get(session.key)!) yield session;
        }
      }
      override enlist(key: string, record: SessionRecord) {
        if (!this.#ends.has(key)) this.#ends.set(key, record.expiresAt);
        super.enlist(key, record);
      }
    },
    "an entry expires with its session, also after a renewal",
  ),
  broken(
    "what has expired is counted among what was ended",
    class extends SoundStore {
      override async deleteAll(...args: Parameters<SoundStore["deleteAll"]>) {
        const { size = 0 } = this.entries.get(args[0]) ?? {};
        await super.deleteAll(...args);
        return size;
      }
    },
    "an entry expires with its session, also after a renewal",
  ),
  broken(
    "the entry is written before it is known whether the record is",
    class extends SoundStore {
      override update(key: string, record: SessionRecord, previous: SessionRecord) {
        this.enlist(key, record);
        return super.update(key, record, previous);
      }
    },
    "a write that is refused leaves the lists as they are",
  ),
  broken(
    "entries are kept by sid",
    class extends SoundStore {
      readonly #sids = new Map<string, string>();
      override enlist(key: string, record: SessionRecord) {
        const before = this.#sids.get(record.sid);
        if (before !== undefined) this.unlist(before);
        this.#sids.set(record.sid, key);
        super.enlist(key, record);
      }
    },
    "two keys of one session are two entries",
  ),
  ...[
    (subject: string) => subject.normalize(),
    (subject: string) => subject.toLowerCase(),
    (subject: string) => subject.trim(),
    (subject: string) => subject.slice(0, 255),
    (subject: string) => subject.split(":").slice(0, 2).join(":"),
    (subject: string) => /\{(.+?)\}/.exec(subject)?.[1] ?? subject,
    (subject: string) => subject.replaceAll("\0", ""),
  ].map((naming) =>
    broken(
      `subjects are not told apart by ${naming}`,
      class extends SoundStore {
        override list(subject: string) {
          return super.list(naming(subject));
        }
        override deleteAll(subject: string, options: DeleteAllOptions) {
          return super.deleteAll(naming(subject), options);
        }
        override enlist(key: string, record: SessionRecord) {
          if (record.subject === undefined) return;
          super.enlist(key, { ...record, subject: naming(record.subject) });
        }
      },
      "any text can be a subject",
    )
  ),
  broken(
    "deleteAll drops the entries alone",
    class extends SoundStore {
      override deleteAll(subject: string, options: DeleteAllOptions) {
        this.end(subject, options);
        const { size = 0 } = this.entries.get(subject) ?? {};
        this.entries.delete(subject);
        return Promise.resolve(size);
      }
    },
    "deleteAll ends every session of a subject, and no other",
    "a session that moves concurrently with deleteAll does not outlive it",
  ),
  broken(
    "deleteAll ends what anybody has",
    class extends SoundStore {
      override async deleteAll(...args: Parameters<SoundStore["deleteAll"]>) {
        const ended = await super.deleteAll(...args);
        this.records.clear();
        this.entries.clear();
        return ended;
      }
    },
    "deleteAll ends every session of a subject, and no other",
  ),
  broken(
    "except is ignored",
    class extends SoundStore {
      override deleteAll(subject: string) {
        return super.deleteAll(subject, {});
      }
    },
    "deleteAll leaves the session that is excepted, and it goes on",
    "1,000 sessions of one subject are listed and ended",
  ),
  broken(
    "the excepted session lives on, but can't move",
    class extends SoundStore {
      override end(subject: string) {
        super.end(subject, {});
      }
    },
    "deleteAll leaves the session that is excepted, and it goes on",
  ),
  broken(
    "deleteAll forgets the logins that are on their way",
    class extends SoundStore {
      override end() {}
    },
    "no write restores a session that deleteAll has ended",
    "a deleteAll undoes nothing of the previous one",
    "a login that is concurrent with deleteAll does not outlive it",
  ),
  broken(
    "deleteAll looks for sessions first and forbids new ones later",
    class extends SoundStore {
      override async deleteAll(subject: string, options: DeleteAllOptions) {
        await this.begin(undefined);
        const found = [...this.entries.get(subject) ?? []];
        const ended = found.filter((key) => this.live(key)?.sid !== options.except);
        for (const key of ended) await this.delete(key);
        this.end(subject, options);
        return ended.length;
      }
    },
    "a login that is concurrent with deleteAll does not outlive it",
  ),
  broken(
    "only create looks whether its subject was ended",
    class extends SoundStore {
      #creating = false;
      override create(...args: Parameters<SoundStore["create"]>) {
        this.#creating = true;
        return super.create(...args).finally(() => this.#creating = false);
      }
      override assertNotEnded(record: SessionRecord) {
        if (this.#creating) super.assertNotEnded(record);
      }
    },
    "no write restores a session that deleteAll has ended",
    "a login that is concurrent with deleteAll does not outlive it",
  ),
  broken(
    "an update looks whether its subject was ended only when there was none before",
    class extends SoundStore {
      override update(...args: Parameters<SoundStore["update"]>) {
        const [key, record, previous] = args;
        if (previous.subject === undefined || !this.matches(key, previous)) {
          return super.update(...args);
        }
        return Promise.resolve(this.put(key, record));
      }
    },
    "no write restores a session that deleteAll has ended",
  ),
  broken(
    "what was ended is answered like any other refusal",
    class extends SoundStore {
      override create(...args: Parameters<SoundStore["create"]>) {
        return super.create(...args).catch(() => false);
      }
    },
    "no write restores a session that deleteAll has ended",
  ),
  broken(
    "replace deletes before it looks whether its subject was ended",
    class extends SoundStore {
      override async replace(key: string, next: StoreReplacement, previous: SessionRecord) {
        await this.begin(undefined);
        if (!this.matches(key, previous) || this.live(next.key)) return false;
        this.remove(key);
        this.assertNotEnded(next.record);
        return this.put(next.key, next.record);
      }
    },
    "no write restores a session that deleteAll has ended",
  ),
  broken(
    "who is of the generation before is let in as well",
    class extends SoundStore {
      override assertNotEnded({ generation = 0, ...record }: SessionRecord) {
        super.assertNotEnded({ ...record, generation: generation + 1 });
      }
    },
    "no write restores a session that deleteAll has ended",
  ),
  broken(
    "clocks are compared",
    class extends SoundStore {
      override assertNotEnded({ subjectAt = 0, ...record }: SessionRecord) {
        super.assertNotEnded({ ...record, generation: subjectAt });
      }
    },
    "no write restores a session that deleteAll has ended",
    "deleteAll refuses neither later logins nor other subjects",
  ),
  broken(
    "who was ended once can never come again",
    class extends SoundStore {
      override assertNotEnded(record: SessionRecord) {
        super.assertNotEnded({ ...record, generation: 0 });
      }
    },
    "deleteAll refuses neither later logins nor other subjects",
    "a generation that was forgotten refuses no login",
  ),
  broken(
    "all are refused when one was ended",
    class extends SoundStore {
      override assertNotEnded(record: SessionRecord) {
        for (const subject of this.ends.keys()) super.assertNotEnded({ ...record, subject });
      }
    },
    "deleteAll refuses neither later logins nor other subjects",
  ),
  broken(
    "a generation is of all subjects",
    class extends SoundStore {
      override present() {
        return Math.max(0, ...[...this.ends.values()].map(({ generation }) => generation));
      }
    },
    "each deleteAll starts a new generation, whatever the clock says",
  ),
  broken(
    "a generation is the time alone",
    class extends SoundStore {
      override end(subject: string, options: DeleteAllOptions) {
        super.end(subject, options);
        this.ends.set(subject, { ...this.ends.get(subject)!, generation: this.clock() });
      }
    },
    "each deleteAll starts a new generation, whatever the clock says",
    "no write restores a session that deleteAll has ended",
  ),
  broken(
    "generations are counted from 1 once more when they were forgotten",
    class extends ForgetfulStore {
      override end(subject: string) {
        const generation = this.present(subject) + 1;
        this.remember(subject);
        this.ends.set(subject, { generation, except: undefined, since: 0 });
      }
    },
    "each deleteAll starts a new generation, whatever the clock says",
    "a generation that was forgotten refuses no login",
  ),
  broken(
    "whoever is not of the very generation that is remembered is refused",
    class extends ForgetfulStore {
      override assertNotEnded({ generation = 0, ...record }: SessionRecord) {
        const { subject, sid } = record;
        const isPresent = subject === undefined || generation === this.oldest(subject, sid);
        super.assertNotEnded({ ...record, generation: isPresent ? Infinity : -1 });
      }
    },
    "a generation that was forgotten refuses no login",
  ),
  broken(
    "who is excepted is forgiven all ends before",
    class extends SoundStore {
      override end(subject: string, options: DeleteAllOptions) {
        super.end(subject, options);
        this.ends.set(subject, { ...this.ends.get(subject)!, since: 0 });
      }
    },
    "a deleteAll undoes nothing of the previous one",
  ),
  broken(
    "who is excepted twice is not",
    class extends SoundStore {
      override end(subject: string, options: DeleteAllOptions) {
        const since = this.present(subject);
        super.end(subject, options);
        this.ends.set(subject, { ...this.ends.get(subject)!, since });
      }
    },
    "a deleteAll undoes nothing of the previous one",
  ),
  broken(
    "looks first and writes later",
    class extends SoundStore {
      override isAtomic = false;
    },
    "a login that is concurrent with deleteAll does not outlive it",
    "a session that moves concurrently with deleteAll does not outlive it",
  ),
  broken(
    "a list is in the order in which its sessions were stored",
    class extends SoundStore {
      override async *list(...args: Parameters<SoundStore["list"]>): AsyncGenerator<ListedSession> {
        const [subject] = args;
        const sessions = await Array.fromAsync(super.list(...args));
        for (const key of this.entries.get(subject) ?? []) {
          const session = sessions.find((each) => each.key === key);
          if (session) yield session;
        }
      }
    },
    "a list is in order, with those first that became the subject's last",
  ),
  broken(
    "of sessions since the same time the smallest sid comes first",
    class extends SoundStore {
      override async *list(...args: Parameters<SoundStore["list"]>): AsyncGenerator<ListedSession> {
        const sessions = await Array.fromAsync(super.list(...args));
        const since = ({ record }: ListedSession) => record.subjectAt ?? 0;
        yield* sessions.toSorted((one, other) =>
          since(other) - since(one) || (one.record.sid < other.record.sid ? -1 : 1)
        );
      }
    },
    "a list is in order, with those first that became the subject's last",
  ),
  broken(
    "a page is all that there is",
    class extends SoundStore {
      override async *list(
        subject: string,
        { limit = Infinity, ...page }: ListPage = {},
      ): AsyncGenerator<ListedSession> {
        const sessions = await Array.fromAsync(super.list(subject, page));
        yield* sessions.slice(0, limit);
      }
    },
    "a list is in order, with those first that became the subject's last",
  ),
  broken(
    "each page is the first one",
    class extends SoundStore {
      override list(subject: string, _page?: ListPage, c?: unknown, signal?: AbortSignal) {
        return super.list(subject, {}, c, signal);
      }
    },
    "a page starts after its cursor, even if that session has ended",
  ),
  broken(
    "a page leaves out those since the same time as its place",
    class extends SoundStore {
      override async *list(...args: Parameters<SoundStore["list"]>): AsyncGenerator<ListedSession> {
        const [, { after } = {}] = args;
        for await (const session of super.list(...args)) {
          if (session.record.subjectAt !== after?.subjectAt) yield session;
        }
      }
    },
    "a page starts after its cursor, even if that session has ended",
  ),
  broken(
    "a list is one page",
    class extends SoundStore {
      override async *list(...args: Parameters<SoundStore["list"]>): AsyncGenerator<ListedSession> {
        let listed = 0;
        for await (const session of super.list(...args)) {
          if (listed++ < 500) yield session;
        }
      }
    },
    "1,000 sessions of one subject are listed and ended",
  ),
  broken(
    "the signal of list, generation and deleteAll is ignored",
    class extends SoundStore {
      override list(subject: string) {
        return super.list(subject);
      }
      override deleteAll(subject: string, options: DeleteAllOptions) {
        return super.deleteAll(subject, options);
      }
    },
    "a list, generation or deleteAll that is aborted before it starts is rejected and never executed",
  ),
  broken(
    "a generation that can't be read is the first one",
    class extends SoundStore {
      override generation(...args: Parameters<SoundStore["generation"]>) {
        return super.generation(...args).catch(() => 0);
      }
    },
    "a list, generation or deleteAll that is aborted before it starts is rejected and never executed",
    "list, generation and deleteAll reject when the backend fails",
  ),
  broken(
    "a list that fails is empty",
    class extends SoundStore {
      override async *list(...args: Parameters<SoundStore["list"]>): AsyncGenerator<ListedSession> {
        try {
          yield* super.list(...args);
        } catch {
          return;
        }
      }
    },
    "list, generation and deleteAll reject when the backend fails",
  ),
];
