import type { ListedSession, ListPage, SessionStore } from "../../src/store/contract.ts";
import {
  type CaseNeeds,
  type ConformanceCase,
  type ConformanceClock,
  makeKey,
  same,
} from "./case.ts";
import { indexed, makeBound, makeSubject } from "./subject.ts";

/** Requires a store with ordered lists. */
function ordered(given: CaseNeeds): string | undefined {
  return indexed(given) ?? (given.ordered ? undefined : "the store is not ordered");
}

/** How long ago sessions were bound to their subject: some at the same time, one without a time. */
const AGES = [3000, 0, 0.5, 0.25, 1, 0, 2000, 0, -1000, Infinity, 2000];

/** Stores sessions of a subject. Returns their positions in the order of a list. */
async function fill(store: SessionStore, clock: ConformanceClock, subject: string) {
  const places = [];
  for (const age of AGES) {
    const record = makeBound(clock, subject, { subjectAt: Math.max(clock.now() - age, 0) });
    await store.create(makeKey(), record);
    places.push({ subjectAt: record.subjectAt!, sid: record.sid });
  }
  return places.sort((one, other) =>
    other.subjectAt - one.subjectAt || (one.sid < other.sid ? 1 : -1)
  );
}

async function sidsOf(
  store: SessionStore,
  subject: string,
  page?: ListPage,
): Promise<string[]> {
  const sessions: ListedSession[] = [];
  for await (const session of store.list!(subject, page)) sessions.push(session);
  return sessions.map(({ record }) => record.sid);
}

/** The rules for the order of a list, and for its pages. */
export const pageCases: readonly ConformanceCase[] = [
  {
    name: "a list is in order, with those first that became the subject's last",
    needs: ordered,
    async run({ store, clock }) {
      const subject = makeSubject();
      const sids = (await fill(store, clock, subject)).map(({ sid }) => sid);
      same(await sidsOf(store, subject), sids, "the whole list");
      for (const limit of [1, 2, 5, 100]) {
        same(
          await sidsOf(store, subject, { limit }),
          sids,
          `all that follow ${limit} that are wanted`,
        );
      }
    },
  },
  {
    name: "a page starts after its cursor, even if that session has ended",
    needs: ordered,
    async run({ store, clock }) {
      const subject = makeSubject();
      const places = await fill(store, clock, subject);
      const sids = places.map(({ sid }) => sid);
      for (const [index, after] of places.entries()) {
        for (const limit of [1, 3, 100]) {
          const rest = await sidsOf(store, subject, { after, limit });
          same(rest, sids.slice(index + 1), `after ${index}, ${limit} at a time`);
        }
      }
      const [first, last] = [places[0]!, places.at(-1)!];
      const before = { subjectAt: first.subjectAt + 1, sid: "" };
      same(await sidsOf(store, subject, { after: before }), sids, "before the first");
      const smallest = { subjectAt: last.subjectAt, sid: "" };
      same(await sidsOf(store, subject, { after: smallest }), [], "after the last");
      const between = { subjectAt: clock.now() - 1500, sid: "x" };
      const older = places.filter(({ subjectAt }) => subjectAt < between.subjectAt);
      same(
        await sidsOf(store, subject, { after: between }),
        older.map(({ sid }) => sid),
        "between two",
      );
    },
  },
];
