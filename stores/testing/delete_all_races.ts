import type { SessionStore } from "../../src/store/contract.ts";
import {
  type CaseNeeds,
  type ConformanceCase,
  makeKey,
  makeRecord,
  same,
  written,
} from "./case.ts";
import { indexed, isEnded, lists, loggedIn, makeBound, makeSubject } from "./subject.ts";

/** The number of concurrent requests in a case. */
const RACERS = 20;

function atomic(given: CaseNeeds): string | undefined {
  return indexed(given) ?? (given.atomic ? undefined : "the store is not atomic");
}

/** Returns whether a write was done; it may be refused because all sessions of the subject were ended. */
async function attempt(write: () => unknown): Promise<boolean> {
  try {
    return await write() === true;
  } catch (error) {
    if (isEnded(error)) return false;
    throw error;
  }
}

/** Runs a function many times while all sessions of a subject are being ended: at the start, during, and after. */
async function whileEnding(
  { store, subject }: { store: SessionStore; subject: string },
  run: (racer: number) => Promise<unknown>,
): Promise<void> {
  const racers = Array.from({ length: RACERS }, (_, racer) => async () => {
    const turns = racer >> 1;
    // Delay by microtasks for stores in memory, by operations for remote stores.
    for (let turn = 0; turn < turns; turn++) await (racer % 2 ? store.read(makeKey()) : undefined);
    await run(racer);
  });
  await Promise.all([
    ...racers.slice(0, RACERS / 2).map((run) => run()),
    store.deleteAll!(subject, {}),
    ...racers.slice(RACERS / 2).map((run) => run()),
  ]);
}

/** The rules for operations that run concurrently with the end of all sessions of a subject. */
export const deleteAllRaceCases: readonly ConformanceCase[] = [
  {
    name: "a login that is concurrent with deleteAll does not outlive it",
    needs: atomic,
    async run({ store, clock }) {
      for (const operation of ["create", "update", "replace"] as const) {
        const subject = makeSubject();
        const old = Array.from({ length: RACERS }, makeKey);
        const keys = operation === "update" ? old : Array.from({ length: RACERS }, makeKey);
        const anonymous = makeRecord(clock);
        if (operation !== "create") { for (const key of old) await store.create(key, anonymous); }
        const late = loggedIn(anonymous, { subject, subjectAt: clock.now() });
        const writes = keys.map((key, racer) => {
          const from = old[racer]!;
          return () =>
            operation === "create"
              ? store.create(key, makeBound(clock, subject))
              : operation === "update"
              ? store.update(key, late, anonymous)
              : store.replace(from, { key, record: late }, anonymous);
        });
        await whileEnding({ store, subject }, (racer) => attempt(writes[racer]!));
        const found = await Promise.all(keys.map(async (key) => (await store.read(key))?.subject));
        same(found.filter(Boolean).length, 0, `sessions that live on after ${operation}`);
        await lists(store, subject, [], `after ${operation}`);
      }
    },
  },
  {
    name: "a session that moves concurrently with deleteAll does not outlive it",
    needs: atomic,
    async run({ store, clock }) {
      const subject = makeSubject();
      const moves = Array.from({ length: RACERS }, () => [makeKey(), makeKey(), makeKey()]);
      const record = makeBound(clock, subject);
      for (const [first] of moves) await store.create(first!, record);
      await whileEnding({ store, subject }, async (racer) => {
        const [first, second, third] = moves[racer]!;
        const next = written(record, "{}");
        const last = written(next, "{}");
        await attempt(() => store.replace(first!, { key: second!, record: next }, record)) &&
          await attempt(() => store.replace(second!, { key: third!, record: last }, next));
      });
      const found = await Promise.all(moves.flat().map(async (key) => await store.read(key)));
      same(found.filter(Boolean).length, 0, "sessions that live on");
      await lists(store, subject, [], "afterwards");
    },
  },
];
