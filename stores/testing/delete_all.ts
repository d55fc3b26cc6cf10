import type { SessionRecord } from "../../src/record/record.ts";
import { type ConformanceCase, makeKey, makeRecord, renewedTimes, same, written } from "./case.ts";
import {
  beginLogin,
  indexed,
  listed,
  lists,
  loggedIn,
  makeBound,
  makeSubject,
  refuses,
  SKEWS,
} from "./subject.ts";

const DAY = 86_400_000;

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
      same(await store.deleteAll!(ada, {}), 2, "ended");
      same(await store.read(phone), undefined, "one session");
      same(await store.read(tablet), undefined, "the other session");
      same(await store.update(phone, written(record, "{}"), record), false, "update");
      same(await store.touch(phone, renewedTimes(clock), record), false, "touch");
      await lists(store, ada, [], "afterwards");
      same((await store.read(other))?.subject, eve, "the session of another subject");
      await lists(store, eve, [other], "of another subject");
      same((await store.read(anonymous))?.version, 1, "the anonymous session");
      same(await store.deleteAll!(ada, {}), 0, "ended once more");
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
      same(await store.deleteAll!(subject, { except: record.sid }), 1, "ended");
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
    name: "no write restores a session that deleteAll has ended",
    needs: indexed,
    async run({ store, clock }) {
      const [subject, other] = [makeSubject(), makeSubject()];
      const [anonymous, bound] = [makeRecord(clock), makeBound(clock, other)];
      const [key, taken, unknown] = [makeKey(), makeKey(), makeKey()];
      await store.create(key, anonymous);
      await store.create(taken, bound);
      // Logins that start before and are stored after, by clocks that are ahead and behind.
      for (const ahead of [0, ...SKEWS]) {
        const login = await beginLogin(store, subject, clock.now() + ahead);
        await store.deleteAll!(subject, {});
        const late = loggedIn(anonymous, login);
        const change = loggedIn(bound, login);
        await refuses(() => store.create(unknown, makeBound(clock, subject, login)), "create");
        await refuses(() => store.update(key, late, anonymous), "update of an anonymous session");
        await refuses(() => store.update(taken, change, bound), "update of another's session");
        const next = { key: unknown, record: late };
        await refuses(() => store.replace(key, next, anonymous), "replace");
      }
      await refuses(() => store.create(unknown, makeBound(clock, subject)), "create of the oldest");
      await lists(store, subject, [], "afterwards");
      same(await store.read(unknown), undefined, "the new key");
      same(await store.read(key), anonymous, "the anonymous session");
      same(await store.read(taken), bound, "another's session");
      await lists(store, other, [taken], "of the other");
    },
  },
  {
    name: "deleteAll refuses neither later logins nor other subjects",
    needs: indexed,
    async run({ store, clock }) {
      const [subject, other] = [makeSubject(), makeSubject()];
      await store.deleteAll!(subject, {});
      same(await store.create(makeKey(), makeBound(clock, other)), true, "create of another's");
      same(await store.create(makeKey(), makeRecord(clock)), true, "create of an anonymous one");
      const anonymous = makeRecord(clock);
      const keys: string[] = [];
      for (const ahead of [0, ...SKEWS]) {
        const login = await beginLogin(store, subject, clock.now() + ahead);
        const [created, updated, replaced, old] = [makeKey(), makeKey(), makeKey(), makeKey()];
        same(await store.create(created, makeBound(clock, subject, login)), true, "create");
        await store.create(updated, anonymous);
        await store.create(old, anonymous);
        const next = loggedIn(anonymous, login);
        same(await store.update(updated, next, anonymous), true, "update");
        same(await store.replace(old, { key: replaced, record: next }, anonymous), true, "replace");
        keys.push(created, updated, replaced);
      }
      await lists(store, subject, keys, "afterwards");
    },
  },
  {
    name: "each deleteAll starts a new generation, whatever the clock says",
    needs: indexed,
    async run({ store, clock }) {
      const [subject, other] = [makeSubject(), makeSubject()];
      let seen = await store.generation!(subject);
      same(seen, 0, "the generation of whose sessions were never ended");
      for (const step of [0, 0, ...SKEWS, 40 * DAY, -1000, 0]) {
        clock.advance(step);
        await store.deleteAll!(subject, {});
        const present = await store.generation!(subject);
        same([present > seen, Number.isSafeInteger(present)], [true, true], `after ${step} ms`);
        seen = present;
      }
      same(await store.generation!(other), 0, "the generation of another subject");
    },
  },
  {
    name: "a generation that was forgotten refuses no login",
    needs: indexed,
    async run({ store, clock }) {
      const subject = makeSubject();
      const [created, updated, moved] = [makeKey(), makeKey(), makeKey()];
      await store.deleteAll!(subject, {});
      const login = await beginLogin(store, subject, clock.now());
      const lasting = { expiresAt: clock.now() + 100 * DAY };
      const record = makeBound(clock, subject, { ...login, ...lasting });
      const anonymous = makeRecord(clock, lasting);
      await store.create(created, record);
      await store.create(updated, anonymous);
      clock.advance(40 * DAY);
      same(await store.update(updated, loggedIn(anonymous, login), anonymous), true, "update");
      const next = { key: moved, record: written(record, "{}") };
      same(await store.replace(created, next, record), true, "replace");
      same(await store.deleteAll!(subject, {}), 2, "ended");
      await refuses(() => store.create(makeKey(), record), "create of what was ended");
    },
  },
  {
    name: "a deleteAll undoes nothing of the previous one",
    needs: indexed,
    async run({ store, clock }) {
      const subjects = Array.from({ length: 3 }, makeSubject);
      const [one, two, three] = subjects.map((subject) => makeBound(clock, subject));
      const end = (record: SessionRecord, except?: string) =>
        store.deleteAll!(record.subject!, except === undefined ? {} : { except });
      await end(one!);
      await end(one!, one!.sid);
      await refuses(() => store.create(makeKey(), one!), "of one that is excepted too late");
      await end(two!, two!.sid);
      await end(two!, two!.sid);
      same(await store.create(makeKey(), two!), true, "of one that is excepted twice");
      await end(two!, "another");
      await refuses(() => store.create(makeKey(), two!), "of one in whose place another is");
      await end(three!, three!.sid);
      await end(three!);
      await refuses(() => store.create(makeKey(), three!), "of one that is no more excepted");
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
      same(await store.deleteAll!(subject, { except }), 999, "ended");
      await lists(store, subject, [found[500]!.key], "afterwards");
    },
  },
];
