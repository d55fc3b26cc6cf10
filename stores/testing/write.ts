import {
  type ConformanceCase,
  HOUR,
  makeKey,
  makeRecord,
  renewedTimes,
  same,
  server,
  strong,
  written,
} from "./case.ts";

const TEXTS = {
  "an empty object": "{}",
  "text of many scripts": JSON.stringify({
    text: "żółć 日本語 🦕 \u0000 \u2028",
    "ключ": "значение",
  }),
  "half of a surrogate pair": JSON.stringify({ half: "\ud83e" }),
  "keys with a meaning in JavaScript": '{"__proto__":{"a":1},"constructor":2,"toString":3}',
  "10,000 characters": JSON.stringify({ text: "x".repeat(10_000) }),
};

/** The rules for reading, creating and updating. */
export const writeCases: readonly ConformanceCase[] = [
  {
    name: "read of an unknown key returns undefined",
    needs: server,
    async run({ store }) {
      for (const key of [makeKey(), "__proto__", "a/../b", "*", ""]) {
        same(await store.read(key), undefined, `read of ${JSON.stringify(key)}`);
      }
    },
  },
  {
    name: "a created record is read as it was",
    needs: server,
    async run({ store, clock }) {
      const [plain, full] = [makeKey(), makeKey()];
      const record = makeRecord(clock);
      const every = makeRecord(clock, {
        flash: '{"notice":"Hello"}',
        maxAge: 2_592_000,
        browser: true,
        subject: "user:42",
        subjectAt: clock.now(),
        cookieName: "sid",
      });
      same(await store.create(plain, record), true, "create");
      same(await store.create(full, every), true, "create with every member");
      same(await store.read(plain), record, "read");
      const read = await store.read(full);
      same(read, every, "read of every member");
      same(store.outdated?.(read!) ?? false, false, "outdated");
    },
  },
  {
    name: "records are stored and returned as private copies",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      const given = { ...makeRecord(clock) };
      await store.create(key, given);
      (given as { data: string }).data = '{"changed":"after create"}';
      const first = await store.read(key);
      (first as { data: string }).data = '{"changed":"after read"}';
      same((await store.read(key))?.data, '{"name":"Ada"}', "data");
    },
  },
  {
    name: "any data come back as they were",
    needs: server,
    async run({ store, clock }) {
      for (const [what, data] of Object.entries(TEXTS)) {
        const key = makeKey();
        await store.create(key, makeRecord(clock, { data }));
        same((await store.read(key))?.data, data, what);
      }
    },
  },
  {
    name: "create never overwrites",
    needs: strong,
    async run({ store, clock }) {
      const key = makeKey();
      const record = makeRecord(clock);
      await store.create(key, record);
      same(await store.create(key, written(record, '{"other":1}')), false, "second create");
      same(await store.read(key), record, "the first record");
    },
  },
  {
    name: "create replaces an expired record",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      await store.create(key, makeRecord(clock));
      clock.advance(HOUR);
      const record = makeRecord(clock, { data: '{"second":true}' });
      same(await store.create(key, record), true, "create");
      same(await store.read(key), record, "read");
    },
  },
  {
    name: "update stores the next version",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      await store.create(key, makeRecord(clock, { flash: '{"notice":"Hello"}' }));
      let current = (await store.read(key))!;
      for (
        const data of [
          '{"step":1}',
          "{}",
          JSON.stringify({ text: "é".repeat(40_000) }),
          '{"step":4}',
        ]
      ) {
        const { flash: _, ...next } = written(current, data);
        const { maxBytes = Infinity } = store.capabilities;
        if (maxBytes < data.length * 3) continue;
        same(await store.update(key, next, current), true, "update");
        same(await store.read(key), next, "read after update");
        current = next;
      }
    },
  },
  {
    name: "update never creates",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      const record = makeRecord(clock);
      same(await store.update(key, written(record, "{}"), record), false, "update");
      same(await store.read(key), undefined, "read");
    },
  },
  {
    name: "update never brings a deleted record back",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      await store.create(key, makeRecord(clock));
      const record = (await store.read(key))!;
      await store.delete(key);
      same(await store.update(key, written(record, "{}"), record), false, "update");
      same(await store.read(key), undefined, "read");
    },
  },
  {
    name: "update refuses what another request wrote meanwhile",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      await store.create(key, makeRecord(clock));
      const record = (await store.read(key))!;
      const theirs = written(record, '{"theirs":true}');
      await store.update(key, theirs, record);
      same(await store.update(key, written(record, '{"mine":true}'), record), false, "late update");
      same(await store.read(key), theirs, "read");
    },
  },
  {
    name: "update follows update without a read between",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      const first = makeRecord(clock);
      await store.create(key, first);
      const second = written(first, '{"step":2}');
      const third = written(second, '{"step":3}');
      same(await store.update(key, second, first), true, "update of what was created");
      same(await store.update(key, third, second), true, "update of what was updated");
      same(await store.read(key), third, "read");
    },
  },
  {
    name: "a touch does not make a record old",
    needs: server,
    async run({ store, clock }) {
      const key = makeKey();
      await store.create(key, makeRecord(clock));
      const record = (await store.read(key))!;
      clock.advance(1000);
      await store.touch(key, renewedTimes(clock), record);
      const next = written(record, '{"after":"touch"}');
      same(await store.update(key, next, record), true, "update");
      same(await store.read(key), next, "read");
    },
  },
];
