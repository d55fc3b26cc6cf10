import type { Clock, SessionStore } from "@x/hono-session";
import { storeConformance } from "@x/hono-session/testing";
import { assert, assertEquals } from "@std/assert";
import { BROKEN_INDEXES } from "../_support/broken_indexes.ts";
import {
  BROKEN_RECORD_WATCHES,
  BROKEN_WATCHES,
  SoundRecordStore,
} from "../_support/broken_watches.ts";
import { BROKEN_STATELESS_STORES, BROKEN_STORES } from "../_support/broken_stores.ts";
import { SoundStatelessStore, SoundStore } from "../_support/sound_store.ts";

type Open = (clock: Clock) => SessionStore;

/** The cases for a store like the one that `sound` opens, run over another one. */
function casesOf(sound: Open, open: Open): Map<string, () => Promise<void>> {
  const cases = new Map<string, () => Promise<void>>();
  storeConformance({
    name: "store",
    capabilities: sound(() => 0).capabilities,
    canFail: true,
    canRecover: true,
    test: (name, run) => cases.set(name.slice("store: ".length), run),
    open(clock) {
      const store = open(clock);
      return {
        store,
        fail: () => void Object.assign(store, { isDown: true }),
        recover: () => void Object.assign(store, { isDown: false }),
      };
    },
    onSkip: () => {},
  });
  return cases;
}

/** Runs cases: all, or the named ones. Each opens a store of its own: they run at the same time, as some wait. */
async function failuresOf(
  cases: Map<string, () => Promise<void>>,
  names: Iterable<string> = cases.keys(),
): Promise<Map<string, string>> {
  const failures = new Map<string, string>();
  await Promise.all(Array.from(names, async (name) => {
    const run = cases.get(name);
    try {
      await run?.();
    } catch (error) {
      failures.set(name, String(error));
    }
  }));
  return failures;
}

const KINDS = [
  {
    kind: "a store on the server",
    sound: (clock: Clock) => new SoundStore(clock),
    broken: [...BROKEN_STORES, ...BROKEN_INDEXES, ...BROKEN_WATCHES],
  },
  {
    kind: "a store whose token is the record",
    sound: (clock: Clock) => new SoundStatelessStore(clock),
    broken: BROKEN_STATELESS_STORES,
  },
];

for (const { kind, sound, broken } of KINDS) {
  Deno.test(`the conformance suite finds nothing in ${kind} that is sound`, async () => {
    const cases = casesOf(sound, sound);
    assert(cases.size > 0);
    assertEquals([...await failuresOf(cases)], []);
  });

  // The first test tries them all at the same time, as some cases wait.
  let trials: Promise<Map<string, string>[]> | undefined;
  for (const [index, { mistake, finds }] of broken.entries()) {
    Deno.test(`the conformance suite finds ${kind} in which ${mistake}`, async () => {
      trials ??= Promise.all(
        broken.map(({ open, finds }) => failuresOf(casesOf(sound, open), finds)),
      );
      const failures = (await trials)[index]!;
      for (const name of finds) assert(failures.has(name), `not found by "${name}"`);
    });
  }

  Deno.test(`every case for ${kind} finds a mistake`, () => {
    const found = new Set(broken.flatMap(({ finds }) => finds));
    assertEquals([...casesOf(sound, sound).keys()].filter((name) => !found.has(name)), []);
  });
}

for (const { mistake, open, finds } of BROKEN_RECORD_WATCHES) {
  Deno.test(`the conformance suite finds a store that notifies of single records in which ${mistake}`, async () => {
    const sound = (clock: Clock) => new SoundRecordStore(clock);
    const [none, failures] = await Promise.all([
      failuresOf(casesOf(sound, sound)),
      failuresOf(casesOf(sound, open), finds),
    ]);
    assertEquals([...none], []);
    for (const name of finds) assert(failures.has(name), `not found by "${name}"`);
  });
}

Deno.test("the conformance suite tells which cases it leaves out, and why", () => {
  const skipped: Record<string, string> = {};
  const names: string[] = [];
  storeConformance({
    name: "store",
    capabilities: { atomic: false, index: false, consistency: "eventual" },
    test: (name) => names.push(name),
    open: (clock) => ({ store: new SoundStore(clock) }),
    onSkip: (name, reason) => skipped[name] = reason,
  });
  assertEquals(
    skipped["store: an operation that is aborted before it starts is rejected and never executed"],
    "the store is not abortable",
  );
  assertEquals(skipped["store: of concurrent creates one succeeds"], "the store is not atomic");
  assertEquals(names.filter((name) => name in skipped), []);
  const every = KINDS.flatMap(({ sound }) => [...casesOf(sound, sound).keys()]);
  assertEquals(names.length + Object.keys(skipped).length, new Set(every).size);
});
