import type { SessionStore } from "../../src/store/contract.ts";
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

/** The keys that were reported, with the reasons that are known. */
class Reported {
  readonly keys = new Map<string, unknown>();
  readonly onEnd = (key: string, reason?: unknown): void =>
    void this.keys.set(key, reason ?? this.keys.get(key));

  /** Watches records; returns a function that stops it. */
  async watch(store: SessionStore, keys: readonly string[]): Promise<() => Promise<void>> {
    const perRecord = store.capabilities.watch === "record";
    const stops = perRecord
      ? await Promise.all(keys.map((key) => store.watch!(this.onEnd, undefined, key)))
      : [await store.watch!(this.onEnd)];
    return async () => {
      for (const stop of stops) await stop();
    };
  }

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
    name: "a watcher is notified of records that are deleted or moved, and of no others",
    needs: watching,
    async run({ store, clock }) {
      const [deleted, moved, next, kept] = [makeKey(), makeKey(), makeKey(), makeKey()];
      const record = makeRecord(clock);
      for (const key of [deleted, moved, kept]) await store.create(key, record);
      const reported = [new Reported(), new Reported()];
      const stops = [];
      for (const each of reported) {
        stops.push(await each.watch(store, [deleted, moved, next, kept]));
      }
      const second = written(record, '{"name":"Grace"}');
      await store.update(kept, second, record);
      await store.touch(kept, renewedTimes(clock), second);
      await store.read(kept);
      await pause(SILENCE);
      for (const { keys } of reported) {
        const own = [deleted, moved, next, kept].filter((key) => keys.has(key));
        same(own, [], "what other writes report");
      }
      await store.delete(makeKey());
      await store.delete(deleted, undefined, undefined, "evicted");
      await store.replace(moved, { key: next, record: second }, record);
      for (const each of reported) await each.until(deleted, moved);
      await pause(SILENCE);
      for (const { keys } of reported) {
        same(keys.get(deleted), "evicted", "the reason");
        // A store that notifies of single records may report one too many.
        if (store.capabilities.watch === "record") continue;
        same([keys.has(kept), keys.has(next)], [false, false], "keys of records that are there");
      }
      for (const stop of stops) await stop();
    },
  },
  {
    name: "a watcher is notified of every session of a subject that ends",
    needs: (given) => watching(given) ?? indexed(given),
    async run({ store, clock }) {
      const subject = makeSubject();
      const [one, two, other] = [makeKey(), makeKey(), makeKey()];
      await store.create(one, makeBound(clock, subject, { sid: "A".repeat(22) }));
      await store.create(two, makeBound(clock, subject, { sid: "B".repeat(22) }));
      await store.create(other, makeBound(clock, makeSubject(), { sid: "C".repeat(22) }));
      const reported = new Reported();
      const stop = await reported.watch(store, [one, two, other]);
      await store.deleteAll!(subject, {});
      await reported.until(one, two);
      if (store.capabilities.watch !== "record") {
        same(reported.keys.has(other), false, "a session of another subject");
      }
      same([reported.keys.get(one), reported.keys.get(two)], ["revoked", "revoked"], "the reasons");
      await stop();
    },
  },
  {
    name: "a watcher that has stopped is notified of nothing more",
    needs: watching,
    async run({ store, clock }) {
      const [first, second] = [new Reported(), new Reported()];
      const [key, other] = [makeKey(), makeKey()];
      const stop = await first.watch(store, [key, other]);
      const stopSecond = await second.watch(store, [key, other]);
      await stop();
      await store.create(key, makeRecord(clock));
      await store.delete(key);
      await second.until(key);
      same(first.keys.has(key), false, "who has stopped");
      await stopSecond();
      const third = new Reported();
      const stopThird = await third.watch(store, [other]);
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
