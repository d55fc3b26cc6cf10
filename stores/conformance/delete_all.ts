import { type ConformanceCase, makeKey, makeRecord, renewedTimes, same, written } from "./case.ts";
import { indexed, listed, lists, login, makeBound, makeSubject, refuses } from "./subject.ts";

/** The rules for ending all sessions of a subject. */
export const deleteAllCases: readonly ConformanceCase[] = [
  {
    name: "deleteAll ends every session of a subject, and no other",
    needs: indexed,
    async run({ store, clock }) {
      const [ada, eve] = [makeSubject(), makeSubject()];
      const [phone, tablet, other, anonymous] = [makeKey(), makeKey(), makeKey(), makeKey()];
      const record = makeBound(clock, ada);
      await store.create(phone, record);
      await store.create(tablet, makeBound(clock, ada));
      await store.create(other, makeBound(clock, eve));
      await store.create(anonymous, makeRecord(clock));
      clock.advance(1000);
      same(await store.deleteAll!(ada, { at: clock.now() }), 2, "ended");
      same(await store.read(phone), undefined, "one session");
      same(await store.read(tablet), undefined, "the other session");
      same(await store.update(phone, written(record, "{}"), record), false, "update");
      same(await store.touch(phone, renewedTimes(clock), record), false, "touch");
      await lists(store, ada, [], "afterwards");
      same((await store.read(other))?.subject, eve, "the session of another subject");
      await lists(store, eve, [other], "of another subject");
      same((await store.read(anonymous))?.version, 1, "the anonymous session");
      same(await store.deleteAll!(ada, { at: clock.now() }), 0, "ended once more");
    },
  },
  {
    name: "deleteAll leaves the session that is excepted, and it goes on",
    needs: indexed,
    async run({ store, clock }) {
      const subject = makeSubject();
      const [kept, ended, moved, rotated] = [makeKey(), makeKey(), makeKey(), makeKey()];
      const record = makeBound(clock, subject);
      await store.create(kept, record);
      await store.create(ended, makeBound(clock, subject));
      clock.advance(1000);
      same(await store.deleteAll!(subject, { at: clock.now(), except: record.sid }), 1, "ended");
      await lists(store, subject, [kept], "afterwards");
      same(await store.read(kept), record, "read");
      const next = written(record, '{"goes":"on"}');
      same(await store.update(kept, next, record), true, "update");
      const last = written(next, '{"goes":"on, elsewhere"}');
      same(await store.replace(kept, { key: moved, record: last }, next), true, "replace");
      same(await store.create(rotated, written(last, "{}")), true, "create under a second key");
      await lists(store, subject, [moved, rotated], "after it moved");
    },
  },
  {
    name: "who was ended can't come back, by whatever write",
    needs: indexed,
    async run({ store, clock }) {
      const [subject, other] = [makeSubject(), makeSubject()];
      const subjectAt = clock.now();
      const [anonymous, bound] = [makeRecord(clock), makeBound(clock, other)];
      const [key, taken, unknown] = [makeKey(), makeKey(), makeKey()];
      await store.create(key, anonymous);
      await store.create(taken, bound);
      // Logins that began before and are stored after.
      for (const at of [subjectAt, subjectAt + 1000]) {
        await store.deleteAll!(subject, { at });
        const late = login(anonymous, subject, subjectAt);
        const change = login(bound, subject, subjectAt);
        await refuses(
          () => store.create(unknown, makeBound(clock, subject, { subjectAt })),
          "create",
        );
        await refuses(() => store.update(key, late, anonymous), "update of an anonymous session");
        await refuses(() => store.update(taken, change, bound), "update of another's session");
        const next = { key: unknown, record: late };
        await refuses(() => store.replace(key, next, anonymous), "replace");
      }
      await lists(store, subject, [], "afterwards");
      same(await store.read(unknown), undefined, "the new key");
      same(await store.read(key), anonymous, "the anonymous session");
      same(await store.read(taken), bound, "another's session");
      await lists(store, other, [taken], "of the other");
    },
  },
  {
    name: "who comes later, and who is somebody else, is not refused",
    needs: indexed,
    async run({ store, clock }) {
      const [subject, other] = [makeSubject(), makeSubject()];
      const at = clock.now();
      await store.deleteAll!(subject, { at });
      const [created, updated, replaced] = [makeKey(), makeKey(), makeKey()];
      same(await store.create(makeKey(), makeBound(clock, other)), true, "create of another's");
      same(await store.create(makeKey(), makeRecord(clock)), true, "create of an anonymous one");
      clock.advance(1);
      same(await store.create(created, makeBound(clock, subject)), true, "create");
      const anonymous = makeRecord(clock);
      await store.create(updated, anonymous);
      const next = login(anonymous, subject, clock.now());
      same(await store.update(updated, next, anonymous), true, "update");
      const old = makeKey();
      await store.create(old, anonymous);
      same(await store.replace(old, { key: replaced, record: next }, anonymous), true, "replace");
      await lists(store, subject, [created, updated, replaced], "afterwards");
    },
  },
  {
    name: "a deleteAll takes back nothing of the one before",
    needs: indexed,
    async run({ store, clock }) {
      const [subject, excepted] = [makeSubject(), makeSubject()];
      const at = clock.now();
      await store.deleteAll!(subject, { at });
      await store.deleteAll!(subject, { at: at - 1000 });
      await refuses(
        () => store.create(makeKey(), makeBound(clock, subject)),
        "after an earlier one",
      );
      const record = makeBound(clock, excepted);
      await store.deleteAll!(excepted, { at, except: record.sid });
      await store.deleteAll!(excepted, { at });
      await refuses(() => store.create(makeKey(), record), "of one that is no more excepted");
    },
  },
  {
    name: "1,000 sessions of one subject are listed and ended",
    needs: indexed,
    async run({ store, clock }) {
      const subject = makeSubject();
      const keys = Array.from({ length: 1000 }, makeKey);
      for (let from = 0; from < keys.length; from += 50) {
        await Promise.all(
          keys.slice(from, from + 50).map((key) => store.create(key, makeBound(clock, subject))),
        );
      }
      const found = await listed(store, subject);
      same(new Set(found.map(({ key }) => key)).size, 1000, "different keys in the list");
      same(found.length, 1000, "entries in the list");
      const except = found[500]!.record.sid;
      same(await store.deleteAll!(subject, { at: clock.now(), except }), 999, "ended");
      await lists(store, subject, [found[500]!.key], "afterwards");
    },
  },
];
