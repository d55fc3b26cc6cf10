import type { Awaitable } from "../../src/util/awaitable.ts";
import {
  type CaseNeeds,
  type ConformanceCase,
  limited,
  makeKey,
  makeRecord,
  rejects,
  renewedTimes,
  same,
  server,
  written,
} from "./case.ts";
import { indexed, listed, lists, makeBound, makeSubject } from "./subject.ts";

function abortable(given: CaseNeeds): string | undefined {
  return server(given) ?? (given.abortable ? undefined : "the store is not abortable");
}

function failing(given: CaseNeeds): string | undefined {
  return server(given) ?? (given.canFail ? undefined : "the harness can't make the backend fail");
}

function recovering(given: CaseNeeds): string | undefined {
  return failing(given) ??
    (given.canRecover ? undefined : "the harness can't make the backend work again");
}

/** The rules for failures. */
export const failureCases: readonly ConformanceCase[] = [
  {
    name: "a record that is too large is rejected before the write",
    needs: limited,
    async run({ store, clock }) {
      const key = makeKey();
      const record = makeRecord(clock);
      const data = JSON.stringify({ text: "x".repeat(store.capabilities.maxBytes! + 1) });
      const tooLarge = (error: unknown) =>
        (error as { code?: unknown } | null)?.code === "ERR_SESSION_TOO_LARGE";
      await rejects(() => store.create(key, { ...record, data }), tooLarge, "create");
      same(await store.read(key), undefined, "read after create");
      await store.create(key, record);
      await rejects(() => store.update(key, written(record, data), record), tooLarge, "update");
      same(await store.read(key), record, "read after update");
      const next = { key: makeKey(), record: written(record, data) };
      await rejects(() => store.replace(key, next, record), tooLarge, "replace");
      same(await store.read(key), record, "read after replace");
    },
  },
  {
    name: "an operation that is aborted before it starts is rejected and never executed",
    needs: abortable,
    async run({ store, clock }) {
      const [key, other] = [makeKey(), makeKey()];
      const record = makeRecord(clock);
      const next = written(record, '{"called":"off"}');
      await store.create(key, record);
      clock.advance(1000);
      const signal = AbortSignal.abort();
      const operations: Record<string, () => Awaitable<unknown>> = {
        read: () => store.read(key, undefined, signal),
        create: () => store.create(other, record, undefined, signal),
        update: () => store.update(key, next, record, undefined, signal),
        replace: () => store.replace(key, { key: other, record: next }, record, undefined, signal),
        touch: () => store.touch(key, renewedTimes(clock), record, undefined, signal),
        delete: () => store.delete(key, undefined, signal),
      };
      for (const [name, run] of Object.entries(operations)) await rejects(run, () => true, name);
      same(await store.read(key), record, "the record");
      same(await store.read(other), undefined, "the other key");
    },
  },
  {
    name: "operations reject when the backend fails",
    needs: failing,
    async run({ store, clock, fail }) {
      const key = makeKey();
      const record = makeRecord(clock);
      await store.create(key, record);
      await fail!();
      const any = () => true;
      const next = written(record, "{}");
      await rejects(() => store.read(key), any, "read");
      await rejects(() => store.create(makeKey(), record), any, "create");
      await rejects(() => store.update(key, next, record), any, "update");
      await rejects(
        () => store.replace(key, { key: makeKey(), record: next }, record),
        any,
        "replace",
      );
      await rejects(() => store.touch(key, renewedTimes(clock), record), any, "touch");
      await rejects(() => store.delete(key), any, "delete");
    },
  },
  {
    name: "the next operation asks a failing backend again, and what failed is not executed",
    needs: recovering,
    async run({ store, clock, fail, recover }) {
      const [key, other] = [makeKey(), makeKey()];
      const record = makeRecord(clock);
      await store.create(key, record);
      clock.advance(1000);
      const times = renewedTimes(clock);
      await fail!();
      const any = () => true;
      await rejects(() => store.touch(key, times, record), any, "touch");
      await rejects(() => store.create(other, record), any, "create");
      await recover!();
      same(await store.read(key), record, "read");
      same(await store.read(other), undefined, "the other key");
      same(await store.touch(key, times, record), true, "touch, again");
      same(await store.read(key), { ...record, ...times }, "read, again");
    },
  },
  {
    name:
      "a list, generation or deleteAll that is aborted before it starts is rejected and never executed",
    needs: (given) => indexed(given) ?? abortable(given),
    async run({ store, clock }) {
      const [subject, key] = [makeSubject(), makeKey()];
      await store.create(key, makeBound(clock, subject));
      const signal = AbortSignal.abort();
      const list = async () => {
        for await (const _ of store.list!(subject, {}, undefined, signal));
      };
      await rejects(list, () => true, "list");
      await rejects(
        () => store.generation!(subject, undefined, signal),
        () => true,
        "generation",
      );
      const end = () => store.deleteAll!(subject, {}, undefined, signal);
      await rejects(end, () => true, "deleteAll");
      await lists(store, subject, [key], "afterwards");
      same(await store.create(makeKey(), makeBound(clock, subject)), true, "create");
    },
  },
  {
    name: "list, generation and deleteAll reject when the backend fails",
    needs: (given) => indexed(given) ?? failing(given),
    async run({ store, clock, fail }) {
      const subject = makeSubject();
      await store.create(makeKey(), makeBound(clock, subject));
      await fail!();
      await rejects(() => listed(store, subject), () => true, "list");
      await rejects(() => store.generation!(subject), () => true, "generation");
      await rejects(() => store.deleteAll!(subject, {}), () => true, "deleteAll");
    },
  },
];
