import {
  type CaseNeeds,
  type ConformanceCase,
  HOUR,
  makeRecord,
  renewedTimes,
  same,
  written,
} from "./case.ts";

function stateless(given: CaseNeeds): string | undefined {
  return given.stateless ? undefined : "the server holds the record";
}

/** The rules for stores whose token is the record. */
export const statelessCases: readonly ConformanceCase[] = [
  {
    name: "the token of a created record opens it",
    needs: stateless,
    async run({ store, clock }) {
      const record = makeRecord(clock, {
        flash: '{"notice":"żółć"}',
        maxAge: 60,
        browser: true,
        subject: "user:42",
        subjectAt: clock.now(),
      });
      const token = await store.create("", record);
      same(typeof token, "string", "the answer to create");
      const read = await store.read(token as string);
      // Where anybody can write the token, nobody is believed to be the subject.
      const { subject: _, subjectAt: __, ...anonymous } = record;
      same(read, read?.subject === undefined ? anonymous : record, "read");
    },
  },
  {
    name: "every write gives another token",
    needs: stateless,
    async run({ store, clock }) {
      const record = makeRecord(clock);
      const first = await store.create("", record) as string;
      const next = written(record, '{"step":2}');
      const second = await store.update(first, next, record) as string;
      same(await store.read(second), next, "read after update");
      const last = written(next, '{"step":3}');
      const third = await store.replace(second, { key: "", record: last }, next) as string;
      same(await store.read(third), last, "read after replace");
      clock.advance(1000);
      const times = renewedTimes(clock);
      const fourth = await store.touch(third, times, last) as string;
      same(await store.read(fourth), { ...last, ...times }, "read after touch");
      same(new Set([first, second, third, fourth]).size, 4, "different tokens");
    },
  },
  {
    name: "a token ends with its record",
    needs: stateless,
    async run({ store, clock }) {
      const token = await store.create("", makeRecord(clock)) as string;
      clock.advance(HOUR - 1);
      same((await store.read(token))?.version, 1, "version just before");
      clock.advance(1);
      same(await store.read(token), undefined, "read");
      same(await store.touch(token, renewedTimes(clock), makeRecord(clock)), false, "touch");
    },
  },
  {
    name: "a damaged token opens nothing",
    needs: stateless,
    async run({ store, clock }) {
      const token = await store.create("", makeRecord(clock)) as string;
      for (
        const damaged of ["", "x", token.slice(1), token.slice(0, -1), `${token}A`, token.repeat(2)]
      ) {
        same(await store.read(damaged), undefined, `read of ${damaged.length} characters`);
      }
    },
  },
];
