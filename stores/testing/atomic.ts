import {
  type CaseNeeds,
  type ConformanceCase,
  makeKey,
  makeRecord,
  renewedTimes,
  same,
  server,
  written,
} from "./case.ts";

/** The number of concurrent requests in a case. */
const RACERS = 20;

function atomic(given: CaseNeeds): string | undefined {
  return server(given) ?? (given.atomic ? undefined : "the store is not atomic");
}

function race<Result>(run: (racer: number) => Result | Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: RACERS }, async (_, racer) => await run(racer)));
}

function winners(answers: unknown[]): number {
  return answers.filter(Boolean).length;
}

/** The rules for concurrent requests. */
export const atomicCases: readonly ConformanceCase[] = [
  {
    name: "of concurrent creates one succeeds",
    needs: atomic,
    async run({ store, clock }) {
      const key = makeKey();
      const record = makeRecord(clock);
      const answers = await race((racer) =>
        store.create(key, { ...record, data: `{"racer":${racer}}` })
      );
      same(winners(answers), 1, "creates that were done");
      same((await store.read(key))?.data, `{"racer":${answers.indexOf(true)}}`, "the record");
    },
  },
  {
    name: "of concurrent updates one succeeds",
    needs: atomic,
    async run({ store, clock }) {
      const key = makeKey();
      await store.create(key, makeRecord(clock));
      const answers = await race(async (racer) => {
        const record = (await store.read(key))!;
        return record.version === 1 &&
          await store.update(key, written(record, `{"racer":${racer}}`), record);
      });
      same(winners(answers), 1, "updates that were done");
      same((await store.read(key))?.data, `{"racer":${answers.indexOf(true)}}`, "the record");
    },
  },
  {
    name: "concurrent touches and updates don't undo each other",
    needs: atomic,
    async run({ store, clock }) {
      const key = makeKey();
      await store.create(key, makeRecord(clock));
      clock.advance(1000);
      const times = renewedTimes(clock);
      let updates = 0;
      const answers = await race(async (racer) => {
        for (let tries = 0; tries < 1000; tries++) {
          const record = (await store.read(key))!;
          if (racer % 2) {
            if (await store.touch(key, times, record)) return true;
            continue;
          }
          const { count = 0 } = JSON.parse(record.data);
          const next = { ...written(record, `{"count":${count + 1}}`), ...times };
          if (await store.update(key, next, record)) {
            updates++;
            return true;
          }
        }
        return false;
      });
      same(winners(answers), RACERS, "writes that were done");
      const record = await store.read(key);
      same(record?.data, `{"count":${updates}}`, "data");
      same(record?.expiresAt, times.expiresAt, "expiresAt");
      same(record?.version, updates + 1, "version");
    },
  },
  {
    name: "of concurrent replacements one succeeds, and the others leave nothing",
    needs: atomic,
    async run({ store, clock }) {
      const key = makeKey();
      await store.create(key, makeRecord(clock));
      const keys = Array.from({ length: RACERS }, makeKey);
      const answers = await race(async (racer) => {
        const record = await store.read(key);
        if (!record) return false;
        const next = { key: keys[racer]!, record: written(record, `{"racer":${racer}}`) };
        return await store.replace(key, next, record);
      });
      same(winners(answers), 1, "replacements that were done");
      const found = await Promise.all(keys.map(async (each) => await store.read(each)));
      same(found.filter(Boolean).length, 1, "records under new keys");
      same(await store.read(key), undefined, "the old key");
    },
  },
  {
    name: "a delete wins over every concurrent operation",
    needs: atomic,
    async run({ store, clock }) {
      const key = makeKey();
      await store.create(key, makeRecord(clock));
      const record = (await store.read(key))!;
      await race(async (racer) => {
        if (racer === RACERS >> 1) await store.delete(key);
        else if (racer % 2) await store.touch(key, renewedTimes(clock), record);
        else await store.update(key, written(record, `{"racer":${racer}}`), record);
      });
      same(await store.read(key), undefined, "read");
    },
  },
];
