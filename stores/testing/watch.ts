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
import { indexed, makeBound, makeSubject } from "./subject.ts";

/** How long a notification may take, in milliseconds. */
const LATEST = 2000;

/** How long nothing arrives that should not, in milliseconds. */
const SILENCE = 100;

function watching(given: CaseNeeds): string | undefined {
  return server(given) ?? (given.watch ? undefined : "the store does not notify");
}

/** The keys that were reported. */
class Reported {
  readonly keys = new Map<string, unknown>();
  readonly onEnd = (key: string, reason?: unknown): void => void this.keys.set(key, reason);

  /** Waits until keys are reported. */
  async until(...keys: string[]): Promise<void> {
    const start = performance.now();
    while (!keys.every((key) => this.keys.has(key))) {
      if (performance.now() - start > LATEST) throw new Error("notification: none arrived");
      await pause(5);
    }
  }
}

/** The rules for notifications. */
export const watchCases: readonly ConformanceCase[] = [
  {
    name: "whoever watches is notified of records that are deleted or moved, and of no others",
    needs: watching,
    async run({ store, clock }) {
      const [deleted, moved, next, kept] = [makeKey(), makeKey(), makeKey(), makeKey()];
      const record = makeRecord(clock);
      for (const key of [deleted, moved, kept]) await store.create(key, record);
      const reported = [new Reported(), new Reported()];
      const stops = [];
      for (const { onEnd } of reported) stops.push(await store.watch!(onEnd));
      const second = written(record, '{"name":"Grace"}');
      await store.update(kept, second, record);
      await store.touch(kept, renewedTimes(clock), second);
      await store.read(kept);
      await store.delete(makeKey());
      await store.delete(deleted, undefined, undefined, "evicted");
      await store.replace(moved, { key: next, record: second }, record);
      for (const each of reported) await each.until(deleted, moved);
      await pause(SILENCE);
      for (const { keys } of reported) {
        same([keys.has(kept), keys.has(next)], [false, false], "keys of records that are there");
        same(keys.get(deleted), "evicted", "the reason");
      }
      for (const stop of stops) await stop();
    },
  },
  {
    name: "whoever watches is notified of every session of a subject that ends",
    needs: (given) => watching(given) ?? indexed(given),
    async run({ store, clock }) {
      const subject = makeSubject();
      const [one, two, other] = [makeKey(), makeKey(), makeKey()];
      await store.create(one, makeBound(clock, subject, { sid: "A".repeat(22) }));
      await store.create(two, makeBound(clock, subject, { sid: "B".repeat(22) }));
      await store.create(other, makeBound(clock, makeSubject(), { sid: "C".repeat(22) }));
      const reported = new Reported();
      const stop = await store.watch!(reported.onEnd);
      await store.deleteAll!(subject, {});
      await reported.until(one, two);
      same(reported.keys.has(other), false, "a session of another subject");
      same([reported.keys.get(one), reported.keys.get(two)], ["revoked", "revoked"], "the reasons");
      await stop();
    },
  },
  {
    name: "whoever has stopped watching is notified of nothing more",
    needs: watching,
    async run({ store, clock }) {
      const [first, second] = [new Reported(), new Reported()];
      const [stop, stopSecond] = [
        await store.watch!(first.onEnd),
        await store.watch!(second.onEnd),
      ];
      await stop();
      const key = makeKey();
      await store.create(key, makeRecord(clock));
      await store.delete(key);
      await second.until(key);
      same(first.keys.has(key), false, "who has stopped");
      await stopSecond();
      const third = new Reported();
      const stopThird = await store.watch!(third.onEnd);
      const other = makeKey();
      await store.create(other, makeRecord(clock));
      await store.delete(other);
      await third.until(other);
      same(second.keys.has(other), false, "who has stopped as the last one");
      await stopThird();
    },
  },
];

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
