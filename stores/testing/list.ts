import type { SessionRecord } from "../../src/record/record.ts";
import { traceOf } from "../../src/record/trace.ts";
import {
  type ConformanceCase,
  HOUR,
  makeKey,
  makeRecord,
  renewedTimes,
  same,
  written,
} from "./case.ts";
import { indexed, listed, lists, makeBound, makeSubject, unbound } from "./subject.ts";

function withoutData({ data: _, flash: __, ...record }: SessionRecord): unknown {
  return record;
}

/** The rules for the list of a subject's sessions. */
export const listCases: readonly ConformanceCase[] = [
  {
    name: "a list shows every session of its subject, and nothing else",
    needs: indexed,
    async run({ store, clock }) {
      const [ada, eve] = [makeSubject(), makeSubject()];
      await lists(store, ada, [], "of a subject without sessions");
      const keys = [makeKey(), makeKey(), makeKey()];
      for (const key of keys) await store.create(key, makeBound(clock, ada));
      const other = makeKey();
      await store.create(other, makeBound(clock, eve));
      await store.create(makeKey(), makeRecord(clock));
      await lists(store, ada, keys, "of one subject");
      await lists(store, eve, [other], "of another");
      await lists(store, `${ada} `, [], "of nobody");
    },
  },
  {
    name: "a list shows what the store holds now, as private copies",
    needs: indexed,
    async run({ store, clock }) {
      const subject = makeSubject();
      const key = makeKey();
      const first = makeBound(clock, subject, {
        meta: '{"device":"phone"}',
        confirmed: `{"password":${clock.now()}}`,
        device: "ES256.x.y.1.1.1",
        maxAge: 60,
      });
      const show = async () => {
        const [session] = await listed(store, subject);
        return session?.record as SessionRecord;
      };
      await store.create(key, first);
      same(withoutData(await show()), withoutData(first), "after create");
      clock.advance(1000);
      const second = {
        ...written(first, '{"step":2}'),
        ...renewedTimes(clock),
        meta: '{"device":"tablet"}',
        confirmed: `{"otp":${clock.now()}}`,
        device: "ES256.x.y.1.2.2",
      };
      await store.update(key, second, first);
      const shown = await show();
      same(withoutData(shown), withoutData(second), "after update");
      (shown as { sid: string }).sid = "changed";
      clock.advance(1000);
      const times = renewedTimes(clock);
      await store.touch(key, times, second);
      same(withoutData(await show()), withoutData({ ...second, ...times }), "after touch");
    },
  },
  {
    name: "an entry follows the subject of its session",
    needs: indexed,
    async run({ store, clock }) {
      const [ada, eve] = [makeSubject(), makeSubject()];
      const key = makeKey();
      const anonymous = makeRecord(clock);
      await store.create(key, anonymous);
      const login = { ...written(anonymous, "{}"), subject: ada, subjectAt: clock.now() };
      await store.update(key, login, anonymous);
      await lists(store, ada, [key], "after the subject was set");
      const change = { ...written(login, "{}"), subject: eve };
      await store.update(key, change, login);
      await lists(store, ada, [], "of the previous subject");
      await lists(store, eve, [key], "of the new subject");
      await store.update(key, unbound(change), change);
      await lists(store, eve, [], "after the subject was cleared");
      same(await store.read(key), unbound(change), "read");
    },
  },
  {
    name: "delete removes the entry, and replace moves it",
    needs: indexed,
    async run({ store, clock }) {
      const subject = makeSubject();
      const [key, next, last, deleted] = [makeKey(), makeKey(), makeKey(), makeKey()];
      const anonymous = makeRecord(clock);
      await store.create(key, anonymous);
      const login = { ...written(anonymous, "{}"), subject, subjectAt: clock.now() };
      await store.replace(key, { key: next, record: login }, anonymous);
      await lists(store, subject, [next], "after a replacement that set the subject");
      const moved = written(login, "{}");
      await store.replace(next, { key: last, record: moved }, login);
      await lists(store, subject, [last], "after a replacement");
      await store.create(deleted, makeBound(clock, subject));
      await store.delete(deleted);
      await lists(store, subject, [last], "after another session was deleted");
      await store.replace(last, { key: makeKey(), record: unbound(moved) }, moved);
      await lists(store, subject, [], "after a replacement that cleared the subject");
    },
  },
  {
    name: "an entry expires with its session, also after a renewal",
    needs: indexed,
    async run({ store, clock }) {
      for (const operation of ["create", "update", "touch"] as const) {
        for (const life of [HOUR / 2, 2 * HOUR]) {
          const what = `after ${operation}, ${life} ms`;
          const [subject, key] = [makeSubject(), makeKey()];
          const end = { expiresAt: clock.now() + life };
          const record = makeBound(clock, subject, operation === "create" ? end : {});
          await store.create(key, record);
          if (operation === "touch") {
            await store.touch(key, { ...renewedTimes(clock), ...end }, record);
          }
          if (operation === "update") {
            await store.update(key, { ...written(record, "{}"), ...end }, record);
          }
          clock.advance(life - 1);
          await lists(store, subject, [key], `just before the end ${what}`);
          clock.advance(1);
          await lists(store, subject, [], `at the end ${what}`);
          same(await store.deleteAll!(subject, {}), 0, `ended ${what}`);
        }
      }
    },
  },
  {
    name: "the key of an expired session can be another subject's",
    needs: indexed,
    async run({ store, clock }) {
      const [ada, eve] = [makeSubject(), makeSubject()];
      const [key, other] = [makeKey(), makeKey()];
      await store.create(key, makeBound(clock, ada));
      await store.create(other, makeBound(clock, ada));
      clock.advance(HOUR);
      await store.create(key, makeBound(clock, eve));
      await store.create(other, makeRecord(clock));
      await lists(store, ada, [], "of the previous subject");
      await lists(store, eve, [key], "of the new subject");
      await store.deleteAll!(ada, {});
      same((await store.read(key))?.subject, eve, "the session after all of the other were ended");
      same((await store.read(other))?.version, 1, "the anonymous session");
    },
  },
  {
    name: "a write that is refused leaves the lists as they are",
    needs: indexed,
    async run({ store, clock }) {
      const [ada, eve] = [makeSubject(), makeSubject()];
      const [key, unknown] = [makeKey(), makeKey()];
      const record = makeBound(clock, ada);
      await store.create(key, record);
      const newer = written(record, "{}");
      await store.update(key, newer, record);
      const late = { ...written(record, "{}"), subject: eve };
      same(await store.create(key, makeBound(clock, eve)), false, "create");
      same(await store.update(key, late, record), false, "update");
      same(await store.update(unknown, late, record), false, "update of nothing");
      same(await store.update(key, unbound(record), record), false, "update that clears");
      same(await store.replace(key, { key: unknown, record: late }, record), false, "replace");
      same(await store.touch(unknown, renewedTimes(clock), record), false, "touch");
      await lists(store, ada, [key], "of the subject");
      await lists(store, eve, [], "of the other");
    },
  },
  {
    name: "two keys of one session are two entries",
    needs: indexed,
    async run({ store, clock }) {
      // As during a rotation.
      const subject = makeSubject();
      const [old, next] = [makeKey(), makeKey()];
      const record = makeBound(clock, subject);
      await store.create(old, record);
      await store.create(next, written(record, "{}"));
      await lists(store, subject, [old, next], "with both");
      await store.update(old, traceOf(record, "replaced"), record);
      await lists(store, subject, [next], "when the old one leads to the new one");
      await store.delete(old);
      await lists(store, subject, [next], "when the old one is gone");
    },
  },
];
