import type { Clock, SessionRecord, SessionTimes, StoreReplacement } from "@x/hono-session";
import { type CookieFormat, CookieStore, Revocations } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import {
  broken,
  type BrokenStore,
  MAX_BYTES,
  SoundStatelessStore,
  SoundStore,
} from "./sound_store.ts";

/** Mistakes that authors of stores make, each in a store that is sound otherwise. */
export const BROKEN_STORES: BrokenStore[] = [
  broken(
    "declares more than it has",
    class extends SoundStore {
      override readonly capabilities = {
        atomic: false,
        index: false,
        consistency: "eventual",
      } as const;
    },
    "declares its capabilities",
  ),
  broken(
    "gives up for good when its backend has failed once",
    class extends SoundStore {
      #hasFailed = false;
      override begin(signal: AbortSignal | undefined) {
        this.#hasFailed ||= this.isDown;
        if (this.#hasFailed) throw new Error("connection lost");
        return super.begin(signal);
      }
    },
    "the next operation asks a failing backend again, and what failed is not executed",
  ),
  broken(
    "touch compares the whole record",
    class extends SoundStore {
      override async touch(...args: Parameters<SoundStore["touch"]>) {
        const [key, , previous] = args;
        const { renewedAt } = await this.read(key) ?? previous;
        return renewedAt === previous.renewedAt && await super.touch(...args);
      }
    },
    "touches of the same record, one after the other, are both done",
  ),
  broken(
    "read rejects when there is nothing",
    class extends SoundStore {
      override async read(...args: Parameters<SoundStore["read"]>) {
        const record = await super.read(...args);
        if (!record) throw new Error("not found");
        return record;
      }
    },
    "read of an unknown key returns undefined",
  ),
  broken(
    "drops what it has no column for",
    class extends SoundStore {
      override put(key: string, { subjectAt: _, ...record }: SessionRecord) {
        return super.put(key, record);
      }
    },
    "a created record is read as it was",
  ),
  broken(
    "says that every record is outdated",
    class extends SoundStore {
      outdated = () => true;
    },
    "a created record is read as it was",
  ),
  broken(
    "numbers are kept in 32 bits",
    class extends SoundStore {
      override put(key: string, record: SessionRecord) {
        return super.put(key, { ...record, version: record.version | 0 });
      }
    },
    "whole numbers come back as they were",
  ),
  broken(
    "counts the data alone, where the backend counts the record",
    class extends SoundStore {
      override assertFits({ data }: SessionRecord) {
        super.assertFits({ data } as SessionRecord);
      }
      override put(key: string, record: SessionRecord) {
        if (JSON.stringify(record).length > 65_536) throw new Error("value too large");
        return super.put(key, record);
      }
    },
    "whatever makes a record large, it is kept whole or refused as too large",
  ),
  broken(
    "keeps less than it declares",
    class extends SoundStore {
      override assertFits(record: SessionRecord) {
        super.assertFits({ ...record, scope: "x".repeat(1000) });
      }
    },
    "a record whose JSON is as large as maxBytes is kept",
  ),
  broken(
    "shares its objects",
    class extends SoundStore {
      override copy(record: SessionRecord) {
        return record;
      }
    },
    "records are stored and returned as private copies",
  ),
  broken(
    "text is kept as Latin-1",
    class extends SoundStore {
      override put(key: string, record: SessionRecord) {
        return super.put(key, { ...record, data: record.data.replaceAll(/[^ -ÿ]/g, "?") });
      }
    },
    "any data come back as they were",
  ),
  broken(
    "create is an upsert",
    class extends SoundStore {
      override create(key: string, record: SessionRecord) {
        return Promise.resolve(this.put(key, record));
      }
    },
    "create never overwrites",
  ),
  broken(
    "create is in the way of what has expired",
    class extends SoundStore {
      override create(...args: Parameters<SoundStore["create"]>) {
        return this.records.has(args[0]) ? Promise.resolve(false) : super.create(...args);
      }
    },
    "create replaces an expired record",
  ),
  broken(
    "update merges the record into the old one",
    class extends SoundStore {
      override put(key: string, record: SessionRecord) {
        return super.put(key, { ...this.records.get(key), ...record });
      }
    },
    "update stores the next version",
  ),
  broken(
    "update is an upsert",
    class extends SoundStore {
      override update(key: string, record: SessionRecord) {
        return Promise.resolve(this.put(key, record));
      }
    },
    "update never creates",
    "update never brings a deleted record back",
    "update refuses what another request wrote meanwhile",
  ),
  broken(
    "versions are ignored",
    class extends SoundStore {
      override matches(key: string) {
        return this.live(key) !== undefined;
      }
    },
    "update refuses what another request wrote meanwhile",
    "touch refuses what another request wrote meanwhile",
    "replace never restores a record, and refuses an old version",
  ),
  broken(
    "only what was read can be updated",
    class extends SoundStore {
      readonly #read = new WeakSet<SessionRecord>();
      override async read(...args: Parameters<SoundStore["read"]>) {
        const record = await super.read(...args);
        if (record) this.#read.add(record);
        return record;
      }
      override matches(key: string, previous: SessionRecord) {
        return this.#read.has(previous) && super.matches(key, previous);
      }
    },
    "update follows update without a read between",
  ),
  broken(
    "touch counts as a version",
    class extends SoundStore {
      override touched(record: SessionRecord, times: SessionTimes) {
        return { ...record, ...times, version: record.version + 1 };
      }
    },
    "a touch does not make a record old",
  ),
  broken(
    "touch drops what is flashed",
    class extends SoundStore {
      override touched({ flash: _, ...record }: SessionRecord, times: SessionTimes) {
        return { ...record, ...times };
      }
    },
    "touch moves the times and nothing else",
  ),
  broken(
    "touch writes back what was read",
    class extends SoundStore {
      override touch(key: string, times: SessionTimes, previous: SessionRecord) {
        return Promise.resolve(this.put(key, { ...previous, ...times }));
      }
    },
    "touch never creates or restores a record",
    "touch refuses what another request wrote meanwhile",
  ),
  broken(
    "touch cuts large records",
    class extends SoundStore {
      override touched(record: SessionRecord, times: SessionTimes) {
        return { ...record, ...times, data: record.data.slice(0, 64 * 1024) };
      }
    },
    "touch of a large record keeps it whole",
  ),
  broken(
    "replace leaves the old key",
    class extends SoundStore {
      override async replace(...args: Parameters<SoundStore["replace"]>) {
        const old = this.records.get(args[0]);
        const isDone = await super.replace(...args);
        if (isDone) this.put(args[0], old!);
        return isDone;
      }
    },
    "replace moves a session to another key",
    "of concurrent replacements one succeeds, and the others leave nothing",
  ),
  broken(
    "replace leaves nothing",
    class extends SoundStore {
      override replace(
        key: string,
        { left: _, ...next }: StoreReplacement,
        ...rest: [SessionRecord]
      ) {
        return super.replace(key, next, ...rest);
      }
    },
    "replace leaves the given record under the old key",
  ),
  broken(
    "replace is an upsert",
    class extends SoundStore {
      override replace(key: string, next: StoreReplacement) {
        this.remove(key);
        return Promise.resolve(this.put(next.key, next.record));
      }
    },
    "replace never overwrites",
    "replace never restores a record, and refuses an old version",
  ),
  broken(
    "delete rejects when there is nothing",
    class extends SoundStore {
      override remove(key: string) {
        if (!this.records.delete(key)) throw new Error("not found");
      }
    },
    "delete removes a record, and may be repeated",
  ),
  broken(
    "expiry is left to the backend",
    class extends SoundStore {
      override live(key: string) {
        return this.records.get(key);
      }
    },
    "a record ends at expiresAt, whatever the backend still holds",
  ),
  broken(
    "the time to live only grows",
    class extends SoundStore {
      override put(key: string, record: SessionRecord) {
        const { expiresAt = 0 } = this.records.get(key) ?? {};
        return super.put(key, { ...record, expiresAt: Math.max(record.expiresAt, expiresAt) });
      }
    },
    "update and touch move the end of a record both ways",
  ),
  broken(
    "the time to live is cut to seconds",
    class extends SoundStore {
      override live(key: string) {
        const record = super.live(key);
        const seconds = Math.floor(((record?.expiresAt ?? 0) - this.clock()) / 1000);
        return seconds > 0 || (record?.expiresAt ?? 0) - this.clock() > 2000 ? record : undefined;
      }
    },
    "a lifetime with a fraction of a second ends on time",
  ),
  broken(
    "the backend refuses a time to live of zero",
    class extends SoundStore {
      override put(key: string, record: SessionRecord) {
        if (record.expiresAt <= this.clock()) throw new Error("invalid expire time");
        return super.put(key, record);
      }
    },
    "a record that has expired before it is stored is never read",
  ),
  broken(
    "the backend's time to live is a number of 32 bits",
    class extends SoundStore {
      override live(key: string) {
        const record = super.live(key);
        const ends = (record?.renewedAt ?? 0) + 2 ** 31;
        return this.clock() < ends ? record : undefined;
      }
    },
    "a record may live for a hundred years",
  ),
  broken(
    "what is too large fails somehow",
    class extends SoundStore {
      override assertFits({ data }: SessionRecord) {
        if (data.length > MAX_BYTES) throw new Error("value too large");
      }
    },
    "a record that is too large is rejected before the write",
  ),
  broken(
    "replace deletes before it looks at the size",
    class extends SoundStore {
      override replace(...args: Parameters<SoundStore["replace"]>) {
        if (args[1].record.data.length > MAX_BYTES) this.remove(args[0]);
        return super.replace(...args);
      }
    },
    "a record that is too large is rejected before the write",
  ),
  broken(
    "the signal is ignored",
    class extends SoundStore {
      override begin() {
        return super.begin(undefined);
      }
    },
    "an operation that is aborted before it starts is rejected and never executed",
  ),
  broken(
    "a failure looks like nothing found",
    class extends SoundStore {
      override read(...args: Parameters<SoundStore["read"]>) {
        return super.read(...args).catch(() => undefined);
      }
    },
    "operations reject when the backend fails",
  ),
  broken(
    "looks first and writes later",
    class extends SoundStore {
      override isAtomic = false;
    },
    "of concurrent creates one succeeds",
    "of concurrent updates one succeeds",
    "concurrent touches and updates don't undo each other",
    "of concurrent replacements one succeeds, and the others leave nothing",
    "a delete wins over every concurrent operation",
  ),
];

/** The same for stores whose token is the record. */
export const BROKEN_STATELESS_STORES: BrokenStore[] = [
  broken(
    "declares that the server holds the record",
    class extends SoundStatelessStore {
      override readonly capabilities = {
        atomic: true,
        index: false,
        consistency: "strong",
      } as const;
    },
    "declares its capabilities",
  ),
  broken(
    "drops what is flashed",
    class extends SoundStatelessStore {
      override create(key: string, { flash: _, ...record }: SessionRecord) {
        return super.create(key, record);
      }
    },
    "the token of a created record reads it",
  ),
  broken(
    "what does not fit into a cookie fails somehow",
    class extends SoundStatelessStore {
      override create(key: string, record: SessionRecord) {
        if ((record.meta?.length ?? 0) > 4096) throw new Error("invalid header");
        return super.create(key, record);
      }
    },
    "whatever makes a record large, its token holds it whole or it is refused as too large",
  ),
  broken(
    "touch keeps the token",
    class extends SoundStatelessStore {
      override touch(token: string) {
        return Promise.resolve(token);
      }
    },
    "every write gives another token",
  ),
  broken(
    "tokens never end",
    class extends SoundStatelessStore {
      constructor() {
        super(() => 0);
      }
    },
    "a token ends with its record",
  ),
  broken(
    "a damaged token is a failure",
    class extends SoundStatelessStore {
      override async read(token: string) {
        const record = await super.read(token);
        if (!record) throw new Error("invalid signature");
        return record;
      }
    },
    "a damaged token is rejected",
  ),
  broken(
    "replace leaves the old token valid",
    class extends SoundStatelessStore {
      override replace(token: string, { record }: StoreReplacement, previous: SessionRecord) {
        return super.update(token, record, previous);
      }
    },
    "a token that was replaced invalidates its copies, whatever was written with them",
    "of concurrent replacements of a token one succeeds",
  ),
  broken(
    "the format keeps only the members that it knows",
    class extends CookieStore {
      constructor(clock: Clock) {
        const keys = {};
        const format: CookieFormat = {
          keys: () => keys,
          seal: ({ epoch: _, generation: __, ...record }) => btoa(JSON.stringify(record)),
          open: (value) => ({ record: JSON.parse(atob(value)), outdated: false }),
        };
        super(format, {
          clock,
          revocations: new Revocations(new MapStore({ clock, maxEntries: Infinity })),
        });
      }
    },
    "a token that was replaced invalidates its copies, whatever was written with them",
    "no token is made for a login before the end of all sessions, and one for a login after it",
  ),
  broken(
    "a login is of the generation in which it is stored",
    class extends SoundStatelessStore {
      override async create(key: string, record: SessionRecord) {
        return await super.create(key, {
          ...record,
          ...(record.subject && { generation: await this.generation(record.subject) }),
        });
      }
    },
    "no token is made for a login before the end of all sessions, and one for a login after it",
  ),
  broken(
    "nothing is ended",
    class extends SoundStatelessStore {
      override async delete() {}
    },
    "a session that was ended invalidates every copy of its tokens",
  ),
];
