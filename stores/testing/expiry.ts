import {
  type ConformanceCase,
  HOUR,
  makeKey,
  makeRecord,
  renewedTimes,
  same,
  server,
  written,
} from "./case.ts";

/** The rules for the expiry of records. */
export const endCases: readonly ConformanceCase[] = [
  {
    name: "a record ends at expiresAt, whatever the backend still holds",
    needs: server,
    async run({ store, clock }) {
      const [key, other] = [makeKey(), makeKey()];
      await store.create(key, makeRecord(clock));
      const record = (await store.read(key))!;
      clock.advance(HOUR - 1);
      same((await store.read(key))?.sid, record.sid, "read just before");
      clock.advance(1);
      same(await store.read(key), undefined, "read");
      same(await store.update(key, written(record, "{}"), record), false, "update");
      same(await store.touch(key, renewedTimes(clock), record), false, "touch");
      const next = { ...written(record, "{}"), ...renewedTimes(clock) };
      same(await store.replace(key, { key: other, record: next }, record), false, "replace");
      same(await store.read(other), undefined, "read of the other key");
      await store.delete(key);
    },
  },
  {
    name: "update and touch move the end of a record both ways",
    needs: server,
    async run({ store, clock }) {
      for (const operation of ["update", "touch"] as const) {
        for (const life of [HOUR / 2, 2 * HOUR]) {
          const what = `after ${operation}, ${life} ms`;
          const key = makeKey();
          await store.create(key, makeRecord(clock));
          const record = (await store.read(key))!;
          const times = { ...renewedTimes(clock), expiresAt: clock.now() + life };
          if (operation === "touch") await store.touch(key, times, record);
          else await store.update(key, { ...written(record, "{}"), ...times }, record);
          clock.advance(life - 1);
          same((await store.read(key))?.expiresAt, times.expiresAt, `just before the end ${what}`);
          clock.advance(1);
          same(await store.read(key), undefined, `at the end ${what}`);
        }
      }
    },
  },
  {
    name: "a lifetime with a fraction of a second ends on time",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      const record = makeRecord(clock, { expiresAt: clock.now() + 1500 });
      same(await store.create(key, record), true, "create");
      same(await store.read(key), record, "read");
      const next = { ...written(record, "{}"), expiresAt: clock.now() + 2500 };
      same(await store.update(key, next, record), true, "update");
      const times = { ...renewedTimes(clock), expiresAt: clock.now() + 1750 };
      same(await store.touch(key, times, next), true, "touch");
      clock.advance(1749);
      same(await store.read(key), { ...next, ...times }, "read just before the end");
      clock.advance(1);
      same(await store.read(key), undefined, "read at the end");
    },
  },
  {
    name: "a record that has expired before it is stored is never read",
    needs: server,
    async run({ store, clock }) {
      const [created, updated] = [makeKey(), makeKey()];
      const record = makeRecord(clock);
      // The store may or may not store it, but it must not fail.
      await store.create(created, { ...record, expiresAt: clock.now() - 1000 });
      same(await store.read(created), undefined, "read after create");
      await store.create(updated, record);
      await store.update(updated, { ...written(record, "{}"), expiresAt: clock.now() }, record);
      same(await store.read(updated), undefined, "read after update");
    },
  },
];
