import { type ConformanceCase, makeKey, makeRecord, same } from "./case.ts";
import { indexed, makeBound, makeSubject } from "./subject.ts";

/** The rules for the numbers of a store. */
export const statsCases: readonly ConformanceCase[] = [
  {
    name: "stats count the live sessions that belong to a subject, and these subjects",
    needs: (given) => indexed(given) ?? (given.stats ? undefined : "the store has no stats"),
    async run({ store, clock }) {
      const before = await store.stats!();
      const ada = makeSubject();
      const ended = makeKey();
      await store.create(makeKey(), makeBound(clock, ada));
      await store.create(makeKey(), makeBound(clock, ada));
      await store.create(makeKey(), makeBound(clock, makeSubject()));
      await store.create(ended, makeBound(clock, makeSubject()));
      await store.delete(ended);
      await store.create(makeKey(), makeRecord(clock));
      const expiresAt = clock.now() + 1;
      await store.create(makeKey(), makeBound(clock, makeSubject(), { expiresAt }));
      clock.advance(2);
      const { sessions, subjects } = await store.stats!();
      same(
        { sessions: sessions - before.sessions, subjects: subjects - before.subjects },
        { sessions: 3, subjects: 2 },
        "of stats",
      );
    },
  },
];
