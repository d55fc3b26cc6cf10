import { traceOf } from "../../src/record/trace.ts";
import {
  type ConformanceCase,
  HOUR,
  leadingTraceOf,
  limited,
  makeKey,
  makeRecord,
  renewedTimes,
  same,
  server,
  strong,
  written,
} from "./case.ts";

/** The longest lifetime of a session, in milliseconds. */
const CENTURY = 3_155_760_000_000;

/** The rules for touching, moving and deleting records. */
export const lifeCases: readonly ConformanceCase[] = [
  {
    name: "touch moves the times and nothing else",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      const record = makeRecord(clock, { flash: '{"notice":"Hello"}', maxAge: 3600 });
      await store.create(key, record);
      clock.advance(HOUR / 2);
      const times = renewedTimes(clock);
      same(await store.touch(key, times, record), true, "touch");
      same(await store.read(key), { ...record, ...times }, "read");
      clock.advance(HOUR - 1);
      same((await store.read(key))?.sid, record.sid, "just before the new end");
      clock.advance(1);
      same(await store.read(key), undefined, "at the new end");
    },
  },
  {
    name: "touches of the same record, one after the other, are both done",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      const record = makeRecord(clock);
      await store.create(key, record);
      for (let times = 0; times < 2; times++) {
        clock.advance(1000);
        same(await store.touch(key, renewedTimes(clock), record), true, `touch ${times + 1}`);
      }
      same(await store.read(key), { ...record, ...renewedTimes(clock) }, "read");
    },
  },
  {
    name: "touch refuses what another request wrote meanwhile",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      await store.create(key, makeRecord(clock));
      const record = (await store.read(key))!;
      const theirs = { ...written(record, '{"theirs":true}'), expiresAt: clock.now() + 30 * HOUR };
      await store.update(key, theirs, record);
      same(await store.touch(key, renewedTimes(clock), record), false, "late touch");
      same(await store.read(key), theirs, "read");
      same(await store.touch(key, renewedTimes(clock), theirs), true, "touch of what was written");
    },
  },
  {
    name: "a record may live for a hundred years",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      const first = makeRecord(clock, { expiresAt: clock.now() + CENTURY });
      same(await store.create(key, first), true, "create");
      same(await store.read(key), first, "read");
      const next = { ...written(first, "{}"), maxAge: CENTURY / 1000 };
      same(await store.update(key, next, first), true, "update");
      same(await store.touch(key, { ...next, lastSeenAt: clock.now() + 1 }, next), true, "touch");
      clock.advance(CENTURY - 1);
      same((await store.read(key))?.version, next.version, "just before its end");
    },
  },
  {
    name: "touch of a large record keeps it whole",
    needs: limited,
    async run({ store, clock }) {
      const key = makeKey();
      const length = Math.min(store.capabilities.maxBytes! / 2, 200_000) | 0;
      const record = makeRecord(clock, { data: JSON.stringify({ text: "x".repeat(length) }) });
      await store.create(key, record);
      clock.advance(1000);
      const times = renewedTimes(clock);
      same(await store.touch(key, times, record), true, "touch");
      same(await store.read(key), { ...record, ...times }, "read");
    },
  },
  {
    name: "touch never creates or restores a record",
    needs: server,
    async run({ store, clock }) {
      const [unknown, deleted] = [makeKey(), makeKey()];
      const record = makeRecord(clock);
      same(await store.touch(unknown, renewedTimes(clock), record), false, "unknown");
      await store.create(deleted, record);
      await store.delete(deleted);
      same(await store.touch(deleted, renewedTimes(clock), record), false, "deleted");
      same(await store.read(deleted), undefined, "read");
    },
  },
  {
    name: "replace moves a session to another key",
    needs: server,
    async run({ store, clock }) {
      const [key, other] = [makeKey(), makeKey()];
      await store.create(key, makeRecord(clock));
      const record = (await store.read(key))!;
      const next = written(record, '{"moved":true}');
      same(await store.replace(key, { key: other, record: next }, record), true, "replace");
      same(await store.read(key), undefined, "the old key");
      same(await store.read(other), next, "the new key");
      const last = written(next, '{"moved":"and changed"}');
      same(await store.update(other, last, next), true, "update after replace");
    },
  },
  {
    name: "replace leaves the given record under the old key",
    needs: server,
    async run({ store, clock }) {
      const record = makeRecord(clock);
      for (const left of [traceOf(record, "replaced"), leadingTraceOf(record)]) {
        const [key, other] = [makeKey(), makeKey()];
        await store.create(key, record);
        const next = written(record, '{"moved":true}');
        const read = (await store.read(key))!;
        same(await store.replace(key, { key: other, record: next, left }, read), true, "replace");
        same(await store.read(other), next, "the new key");
        const trace = (await store.read(key))!;
        same(trace, left, "the old key");
        same(await store.update(key, written(record, "{}"), record), false, "late update");
        same(await store.update(key, { ...trace, version: 3 }, trace), true, "update of the trace");
        same(await store.touch(other, renewedTimes(clock), next), true, "touch of the session");
      }
    },
  },
  {
    name: "replace never overwrites",
    needs: strong,
    async run({ store, clock }) {
      const [key, taken] = [makeKey(), makeKey()];
      const theirs = makeRecord(clock, { sid: "another_sid_of_22_char" });
      await store.create(key, makeRecord(clock));
      await store.create(taken, theirs);
      const record = (await store.read(key))!;
      const next = written(record, '{"moved":true}');
      for (const left of [undefined, traceOf(record, "replaced"), leadingTraceOf(record)]) {
        const move = { key: taken, record: next, ...(left && { left }) };
        same(await store.replace(key, move, record), false, "onto a taken key");
      }
      same(await store.read(taken), theirs, "the taken key");
    },
  },
  {
    name: "replace never restores a record, and refuses an old version",
    needs: server,
    async run({ store, clock }) {
      const [key, free] = [makeKey(), makeKey()];
      const record = makeRecord(clock);
      await store.create(key, record);
      const next = written(record, '{"moved":true}');
      const newer = written(record, '{"newer":true}');
      same(await store.update(key, newer, record), true, "update");
      same(
        await store.replace(key, { key: free, record: next }, record),
        false,
        "of an old version",
      );
      await store.delete(key);
      same(
        await store.replace(key, { key: free, record: next }, newer),
        false,
        "of a deleted record",
      );
      same(
        await store.replace(makeKey(), { key: free, record: next }, record),
        false,
        "of an unknown key",
      );
      same(await store.read(free), undefined, "the free key");
    },
  },
  {
    name: "delete removes a record, and may be repeated",
    needs: server,
    async run({ store, clock }) {
      const [key, other] = [makeKey(), makeKey()];
      const record = makeRecord(clock);
      await store.create(key, record);
      await store.create(other, record);
      await store.delete(key);
      await store.delete(key);
      await store.delete(makeKey());
      same(await store.read(key), undefined, "the deleted key");
      same(await store.read(other), record, "another key");
    },
  },
];
