import { SessionEndedError, type SessionRecord } from "@x/hono-session";
import {
  DenoKvStore,
  type DenoKvStoreOptions,
  type KvAtomicLike,
  type KvLike,
} from "@x/hono-session/stores/deno-kv";
import { storeConformance } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FakeClock } from "../_support/clock.ts";
import { inTime } from "../_support/in_time.ts";
import { makeRecord } from "../_support/record.ts";

const { capabilities } = new DenoKvStore();

async function openTemporary() {
  const folder = await Deno.makeTempDir();
  const kv = await Deno.openKv(`${folder}/sessions.kv`);
  const close = async () => {
    try {
      kv.close();
    } catch (error) {
      // The test may have closed it to see it fail.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Deno.remove(folder, { recursive: true });
  };
  return { kv, close };
}

/** A handle that does what another one does, but for the changes. */
function wrap(kv: Deno.Kv, changes: Partial<KvLike>): KvLike {
  return {
    get: (key) => kv.get([...key]),
    getMany: (keys) => kv.getMany(keys.map((key) => [...key])),
    list: ({ prefix }, options) => kv.list({ prefix: [...prefix] }, options),
    atomic: () => kv.atomic(),
    close: () => {},
    ...changes,
  };
}

/** A handle whose commits go through a function. */
function wrapCommits(kv: Deno.Kv, commit: (go: KvAtomicLike["commit"]) => unknown): KvLike {
  return wrap(kv, {
    atomic() {
      const atomic = kv.atomic();
      const go = atomic.commit.bind(atomic);
      return Object.assign(atomic, { commit: () => commit(go) });
    },
  });
}

/** A handle that counts its reads, and what its commits are made of. */
function count(kv: Deno.Kv) {
  const reads: string[] = [];
  const commits: { check: number; set: number; delete: number }[] = [];
  const counted = wrap(kv, {
    get(key) {
      reads.push("get");
      return kv.get([...key]);
    },
    getMany(keys) {
      reads.push("getMany");
      return kv.getMany(keys.map((key) => [...key]));
    },
    list({ prefix }, options) {
      reads.push("list");
      return kv.list({ prefix: [...prefix] }, options);
    },
    atomic() {
      const atomic = kv.atomic();
      const counts = { check: 0, set: 0, delete: 0 };
      commits.push(counts);
      for (const operation of ["check", "set", "delete"] as const) {
        const original = atomic[operation] as (...args: unknown[]) => Deno.AtomicOperation;
        atomic[operation] = (...args: unknown[]) => {
          counts[operation]++;
          return original.apply(atomic, args);
        };
      }
      return atomic;
    },
  });
  /** What was asked since it was last looked at. */
  const taken = () => [reads.splice(0), commits.splice(0)];
  return { counted, reads, commits, taken };
}

/** All keys of a database but those of the eight counters of ends, which stay. */
async function keysOf(kv: Deno.Kv): Promise<Deno.KvKey[]> {
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  return entries.flatMap(({ key, value }) => value instanceof Deno.KvU64 ? [] : [key]);
}

/** The keys of a list. */
async function listed(store: DenoKvStore, subject: string): Promise<string[]> {
  return (await Array.fromAsync(store.list(subject))).map(({ key }) => key);
}

const SUBJECT = "user:42";

/** A record of a subject since now. */
function makeBound(clock: FakeClock, changes: Partial<SessionRecord> = {}): SessionRecord {
  return makeRecord(clock, { subject: SUBJECT, subjectAt: clock.now(), ...changes });
}

/** The data of a record of four parts. */
const LARGE = JSON.stringify({ text: "ż".repeat(100_000) });

storeConformance({
  name: "DenoKvStore in memory",
  capabilities,
  test: Deno.test,
  open(clock) {
    const store = new DenoKvStore({ path: ":memory:", clock });
    return { store, close: () => store[Symbol.asyncDispose]() };
  },
});

storeConformance({
  name: "DenoKvStore on disk",
  capabilities,
  canFail: true,
  test: Deno.test,
  async open(clock) {
    const { kv, close } = await openTemporary();
    return { store: new DenoKvStore({ kv, clock }), fail: () => kv.close(), close };
  },
});

Deno.test("DenoKvStore holds to the record where Deno KV still shows an expired key", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  await store.create("key", makeRecord(clock, { expiresAt: clock.now() + 1 }));
  clock.advance(1);
  // One real wait, beyond the `expireIn` of 1 ms that the store gave to Deno KV.
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert((await kv.get(["session", "key"])).value !== null, "Deno KV still shows it");
  assertEquals(await store.read("key"), undefined);
});

Deno.test("DenoKvStore gives Deno KV the time to live", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const lives: (number | undefined)[] = [];
  const store = new DenoKvStore({
    clock: clock.now,
    kv: wrap(kv, {
      atomic() {
        const atomic = kv.atomic();
        const { set } = atomic;
        atomic.set = (key, value, options) => {
          lives.push(options?.expireIn);
          return set.call(atomic, key, value, options);
        };
        return atomic;
      },
    }),
  });
  const record = makeRecord(clock);
  await store.create("key", record);
  clock.advance(60);
  const next = { ...record, version: 2 };
  await store.update("key", next, record);
  await store.touch("key", { ...next, expiresAt: clock.now() + 7_200_000.5 }, next);
  assertEquals(lives.splice(0), [3_600_000, 3_540_000, 7_200_001]);
  // The entry of a subject has the same, and the end of all its sessions a day.
  const bound = makeBound(clock);
  await store.create("bound", bound);
  await store.touch("bound", { ...bound, expiresAt: clock.now() + 7_200_000 }, bound);
  assertEquals(lives.splice(0), [3_600_000, 3_600_000, 7_200_000, 7_200_000]);
  await store.deleteAll(SUBJECT, {});
  assertEquals(lives, [86_400_000]);
});

Deno.test("DenoKvStore leaves no part behind when a large record shrinks, moves or ends", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  const count = async () => (await keysOf(kv)).length;
  const large = (version: number) =>
    makeRecord(clock, { version, data: JSON.stringify({ text: "ż".repeat(100_000) }) });
  const small = (version: number) => makeRecord(clock, { version });

  await store.create("key", large(1));
  assertEquals(await count(), 5);
  await store.update("key", small(2), large(1));
  assertEquals(await count(), 1);
  await store.update("key", large(3), small(2));
  await store.replace("key", { key: "other", record: large(4) }, large(3));
  assertEquals(await count(), 5);
  assertEquals(await store.read("other"), large(4));
  await store.delete("other");
  assertEquals(await count(), 0);
});

Deno.test("DenoKvStore reads a large record whole while it is written", async () => {
  const clock = new FakeClock();
  const { kv, close } = await openTemporary();
  const store = new DenoKvStore({ kv, clock: clock.now });
  const large = (version: number) =>
    makeRecord(clock, { version, data: JSON.stringify({ text: `${version} `.repeat(60_000) }) });
  await store.create("key", large(1));
  let done = false;
  const writing = (async () => {
    for (let version = 1; version < 30; version++) {
      assert(await store.update("key", large(version + 1), large(version)));
    }
    done = true;
  })();
  let reads = 0;
  while (!done) {
    const record = await store.read("key");
    assertEquals(record, large(record!.version));
    reads++;
  }
  await writing;
  assert(reads > 10);
  await close();
});

Deno.test("DenoKvStore reads a large record whole where several reads are no snapshot", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const large = (version: number) =>
    makeRecord(clock, { version, data: JSON.stringify({ text: `${version} `.repeat(60_000) }) });
  const writer = new DenoKvStore({ kv, clock: clock.now });
  await writer.create("key", large(1));
  let version = 1;
  const reader = new DenoKvStore({
    clock: clock.now,
    kv: wrap(kv, {
      async getMany([first, ...rest]) {
        const head = await kv.get([...first!]);
        if (version < 4) assert(await writer.update("key", large(version + 1), large(version++)));
        return [head, ...await kv.getMany(rest.map((key) => [...key]))];
      },
    }),
  });
  assertEquals(await reader.read("key"), large(4));
});

Deno.test("DenoKvStore opens one handle, takes a promise of one and closes what it opened", async () => {
  const record = makeRecord(new FakeClock(), { expiresAt: Date.now() + 60_000 });
  const store = new DenoKvStore({ path: ":memory:" });
  await store.create("key", record);
  // Each handle of ":memory:" is a database of its own, so this finds it only through the same handle.
  assertEquals(await store.read("key"), record);
  await store[Symbol.asyncDispose]();
  await assertRejects(async () => await store.read("key"), Error, "closed");

  using kv = await Deno.openKv(":memory:");
  const given = new DenoKvStore({ kv: Promise.resolve(kv) });
  await given.create("key", record);
  await given[Symbol.asyncDispose]();
  assert((await kv.get(["session", "key"])).value !== null, "the given handle stays open");
});

Deno.test("DenoKvStore tries again when the database could not be opened", async () => {
  const folder = await Deno.makeTempDir();
  const store = new DenoKvStore({ path: `${folder}/missing/sessions.kv` });
  await assertRejects(async () => await store.read("key"));
  await Deno.mkdir(`${folder}/missing`);
  assertEquals(await store.read("key"), undefined);
  await store[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("DenoKvStore bears a promise that is rejected and closing twice", async () => {
  const store = new DenoKvStore({ kv: Promise.reject(new Error("unable to open")) });
  await new Promise((resolve) => setTimeout(resolve));
  await assertRejects(async () => await store.read("key"), Error, "unable to open");
  const opened = new DenoKvStore({ path: ":memory:" });
  assertEquals(await opened.read("key"), undefined);
  await opened[Symbol.asyncDispose]();
  await opened[Symbol.asyncDispose]();
});

Deno.test("DenoKvStore refuses kv and path together", async () => {
  using kv = await Deno.openKv(":memory:");
  assertThrows(() => new DenoKvStore({ kv, path: ":memory:" }), TypeError, "exclude each other");
});

Deno.test("DenoKvStore commits again while another process has the file locked", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  let locked = 0;
  const store = new DenoKvStore({
    clock: clock.now,
    kv: wrapCommits(
      kv,
      (go) => locked-- > 0 ? Promise.reject(new TypeError("database is locked")) : go(),
    ),
  });
  const record = makeRecord(clock);
  locked = 2;
  assert(await store.create("key", record));
  locked = 2;
  assert(await store.update("key", { ...record, version: 2 }, record));
  locked = 2;
  await store.delete("key");
  assertEquals(await store.read("key"), undefined);
});

Deno.test("DenoKvStore writes a session and its entry in one commit, and reads no more than it needs", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const { counted, taken } = count(kv);
  const store = new DenoKvStore({ kv: counted, clock: clock.now });
  const costs = async (write: () => Promise<unknown>, reads: string[], commit: number[]) => {
    assert(await write() !== false);
    const [check, set, deleted] = commit;
    assertEquals(taken(), [reads, [{ check, set, delete: deleted }]]);
  };
  const records = (first: SessionRecord) => {
    const second = { ...first, version: 2 };
    return [first, second, { ...second, version: 3 }] as const;
  };
  const times = (record: SessionRecord) => ({ ...record, expiresAt: record.expiresAt + 1 });

  const [first, second, third] = records(makeRecord(clock));
  await costs(() => store.create("key", first), [], [1, 1, 0]);
  await costs(() => store.update("key", second, first), [], [1, 1, 0]);
  await costs(() => store.replace("key", { key: "next", record: third }, second), [], [2, 1, 1]);
  await costs(() => store.touch("next", times(third), third), ["get"], [1, 1, 0]);
  await costs(() => store.delete("next"), ["get"], [1, 0, 1]);

  const [login, change, move] = records(makeBound(clock));
  await costs(() => store.create("key", login), ["getMany"], [2, 2, 0]);
  await costs(() => store.update("key", change, login), [], [1, 1, 0]);
  const next = { key: "next", record: move };
  await costs(() => store.replace("key", next, change), ["getMany"], [3, 2, 2]);
  const renewed = { ...times(move), version: 4 };
  await costs(() => store.update("next", renewed, move), [], [1, 2, 0]);
  const other = { ...renewed, version: 5, subject: "user:43" };
  await costs(() => store.update("next", other, renewed), ["getMany"], [2, 2, 1]);
  const { subject: _, subjectAt: __, ...logout } = { ...other, version: 6 };
  await costs(() => store.update("next", logout, other), [], [1, 1, 1]);

  await store.create("last", login);
  taken();
  const again = { ...change, subjectAt: clock.now() + 1 };
  await costs(() => store.update("last", again, login), ["getMany"], [2, 2, 0]);
  await costs(() => store.touch("last", times(again), again), ["get"], [1, 2, 0]);
  await costs(() => store.delete("last"), ["get"], [1, 0, 2]);
});

Deno.test("DenoKvStore keeps nothing but the end of all sessions where they are gone", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  const subject = ["session", "subject", '"user:42"'];
  for (const data of ["{}", LARGE]) {
    const parts = data === LARGE ? [0, 1, 2, 3] : [];
    const lies = (key: string) => [
      ["session", key],
      ...parts.map((part) => ["session", key, part]),
      [...subject, key],
    ];
    const first = makeBound(clock, { data });
    const second = { ...first, version: 2, expiresAt: first.expiresAt + 1 };
    const third = { ...second, version: 3 };
    await store.create("key", first);
    assertEquals(await keysOf(kv), lies("key"));
    await store.touch("key", second, first);
    await store.update("key", second, first);
    assertEquals(await keysOf(kv), lies("key"));
    await store.replace("key", { key: "next", record: third }, second);
    assertEquals(await keysOf(kv), lies("next"));
    await store.delete("next");
    assertEquals(await keysOf(kv), []);
  }
  const small = makeBound(clock);
  const large = makeBound(clock, { data: LARGE });
  await store.create("grows", small);
  await store.update("grows", { ...large, version: 2 }, small);
  await store.create("large", large);
  await store.create("expired", makeBound(clock, { data: LARGE, expiresAt: clock.now() + 1 }));
  clock.advance(1);
  assertEquals(await store.deleteAll(SUBJECT, {}), 2);
  assertEquals(await keysOf(kv), [subject]);
});

Deno.test("DenoKvStore refuses a login whose commit is held open while all sessions are ended", async () => {
  const clock = new FakeClock();
  const { kv, close } = await openTemporary();
  const others = new DenoKvStore({ kv, clock: clock.now });
  let hold: (() => Promise<void>) | undefined;
  const store = new DenoKvStore({
    clock: clock.now,
    kv: wrapCommits(kv, async (go) => {
      const held = hold;
      hold = undefined;
      await held?.();
      return await go();
    }),
  });
  const anonymous = makeRecord(clock);
  const writes = {
    create: (record: SessionRecord) => store.create("create", record),
    update: (record: SessionRecord) => store.update("update", record, anonymous),
    replace: (record: SessionRecord) =>
      store.replace("replace", { key: "next", record }, anonymous),
  };
  await store.create("update", anonymous);
  await store.create("replace", anonymous);
  for (const write of Object.values(writes)) {
    const login = makeBound(clock, { version: 2 });
    const end = async () => {
      clock.advance(1);
      assertEquals(await others.deleteAll(SUBJECT, {}), 0);
    };
    hold = end;
    await assertRejects(() => write(login), SessionEndedError);
    assertEquals(await listed(others, SUBJECT), []);
    hold = end;
    // As if it had seen that end.
    assert(await write({ ...login, generation: clock.now() + 1000 }), "a newer one");
    assertEquals((await listed(others, SUBJECT)).length, 1);
    assertEquals(await others.deleteAll(SUBJECT, {}), 1);
  }
  assertEquals(await keysOf(kv), [["session", "subject", '"user:42"']]);
  await close();
});

Deno.test("DenoKvStore refuses a session of the subject that becomes one of an older generation", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  await store.deleteAll(SUBJECT, {});
  const record = makeBound(clock, { generation: await store.generation(SUBJECT) });
  await store.create("key", record);
  const { generation: _, ...older } = { ...record, version: 2 };
  await assertRejects(() => store.update("key", older, record), SessionEndedError);
  assertEquals(await store.read("key"), record);
});

Deno.test("DenoKvStore keeps the later of two ends at the same time", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const others = new DenoKvStore({ kv, clock: clock.now });
  let commits = 0;
  let seen = 0;
  const store = new DenoKvStore({
    clock: clock.now,
    kv: wrapCommits(kv, async (go) => {
      if (++commits === 1) {
        await others.deleteAll(SUBJECT, {});
        seen = await others.generation(SUBJECT);
      }
      return await go();
    }),
  });
  await store.deleteAll(SUBJECT, {});
  const late = makeBound(clock, { generation: seen });
  await assertRejects(() => store.create("key", late), SessionEndedError);
});

Deno.test("DenoKvStore leaves no entry of a session that becomes a subject's while it is deleted", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const others = new DenoKvStore({ kv, clock: clock.now });
  const record = makeRecord(clock);
  await others.create("key", record);
  let commits = 0;
  const store = new DenoKvStore({
    clock: clock.now,
    kv: wrapCommits(kv, async (go) => {
      if (++commits === 1) {
        assert(await others.update("key", makeBound(clock, { version: 2 }), record));
      }
      return await go();
    }),
  });
  await store.delete("key");
  assertEquals(await keysOf(kv), []);
});

Deno.test("DenoKvStore ends sessions that are touched, written or moved while it ends them", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const others = new DenoKvStore({ kv, clock: clock.now });
  const record = makeBound(clock);
  const next = { ...record, version: 2 };
  const excepted = makeBound(clock, { sid: "0SessionThatIsExcepted" });
  const moves = {
    touch: () => others.touch("key", { ...record, expiresAt: record.expiresAt + 1 }, record),
    update: () => others.update("key", next, record),
    login: () => others.update("key", { ...next, subject: "user:43" }, record),
    logout: () => others.delete("key"),
  };
  for (const [name, move] of Object.entries(moves)) {
    await others.create("key", record);
    await others.create("excepted", excepted);
    let commits = 0;
    const store = new DenoKvStore({
      clock: clock.now,
      // Between the look at the entries and the commit that ends them.
      kv: wrapCommits(kv, async (go) => {
        if (++commits === 2) assert(await move() !== false);
        return await go();
      }),
    });
    const options = { at: clock.now(), except: excepted.sid };
    const ended = await store.deleteAll(SUBJECT, options);
    assertEquals(ended, name === "touch" || name === "update" ? 1 : 0, name);
    assertEquals((await others.read("key"))?.subject, name === "login" ? "user:43" : undefined);
    assertEquals(await listed(others, SUBJECT), ["excepted"]);
    await others.delete("key");
    await others.delete("excepted");
    await kv.delete(["session", "subject", '"user:42"']);
    assertEquals(await keysOf(kv), []);
  }
});

Deno.test("DenoKvStore ends all sessions also while others never stop to begin", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const others = new DenoKvStore({ kv, clock: clock.now });
  await others.create("0", makeBound(clock));
  let logins = 0;
  const login = async () => {
    const generation = await others.generation(SUBJECT);
    await others.create(`${++logins}`, makeBound(clock, { generation }));
  };
  await login();
  const store = new DenoKvStore({
    clock: clock.now,
    kv: wrapCommits(kv, async (go) => {
      await login();
      return await go();
    }),
  });
  assertEquals(await store.deleteAll(SUBJECT, {}), 3);
  assert(logins > 2);
  assertEquals(await others.read("0"), undefined);
  assertEquals(await listed(others, SUBJECT), [`${logins}`]);
});

Deno.test("DenoKvStore lets no exception that is made later move a session that is being ended", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const others = new DenoKvStore({ kv, clock: clock.now });
  const record = makeBound(clock);
  await others.create("key", record);
  let commits = 0;
  const store = new DenoKvStore({
    clock: clock.now,
    kv: wrapCommits(kv, async (go) => {
      if (++commits === 2) {
        await others.deleteAll(SUBJECT, { except: record.sid });
        const next = { key: "a", record: { ...record, version: 2 } };
        await assertRejects(() => others.replace("key", next, record), SessionEndedError);
      }
      return await go();
    }),
  });
  assertEquals(await store.deleteAll(SUBJECT, {}), 1);
  assertEquals(await keysOf(kv), [["session", "subject", '"user:42"']]);
});

Deno.test("DenoKvStore ends many sessions within the limits of Deno KV for one commit", async () => {
  const clock = new FakeClock();
  const { kv, close } = await openTemporary();
  const { counted, commits } = count(kv);
  const store = new DenoKvStore({ kv: counted, clock: clock.now });
  const subject = "日".repeat(256);
  // Nine parts each.
  const data = JSON.stringify({ text: "x".repeat(530_000) });
  for (let session = 0; session < 25; session++) {
    await store.create(`${session}`, makeBound(clock, { subject, data }));
  }
  commits.length = 0;
  assertEquals(await store.deleteAll(subject, {}), 25);
  assertEquals(commits.map(({ check }) => check), [1, 10, 10, 5]);
  assertEquals(commits.map((each) => each.delete), [0, 110, 110, 55]);
  assertEquals((await keysOf(kv)).length, 1);
  await close();
});

Deno.test("DenoKvStore prunes entries of sessions that expired, are gone or another subject's", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  const entry = (key: string) => ["session", "subject", '"user:42"', key];
  const expired = makeBound(clock, { expiresAt: clock.now() + 1 });
  await store.create("expired", expired);
  await store.create("live", makeBound(clock));
  await store.create("other", makeBound(clock, { subject: "user:43" }));
  const { value } = await kv.get(entry("live"));
  // What another program left.
  for (const key of ["gone", "other"]) await kv.set(entry(key), value);
  clock.advance(1);
  assertEquals(await listed(store, SUBJECT), ["live"]);
  const entries = await Array.fromAsync(kv.list({ prefix: ["session", "subject", '"user:42"'] }));
  assertEquals(entries.map(({ key }) => key), [entry("live")]);
  assertEquals(await listed(store, "user:43"), ["other"]);
});

Deno.test("DenoKvStore does not prune the entry of a session that is renewed meanwhile", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const late = new FakeClock(clock.now() - 2);
  const others = new DenoKvStore({ kv, clock: late.now });
  const record = makeBound(clock, { expiresAt: clock.now() });
  await others.create("key", record);
  const store = new DenoKvStore({
    clock: clock.now,
    kv: wrapCommits(kv, async (go) => {
      const times = { ...record, expiresAt: clock.now() + 3_600_000 };
      assert(await others.touch("key", times, record));
      return await go();
    }),
  });
  assertEquals(await listed(store, SUBJECT), []);
  assertEquals(await listed(store, SUBJECT), ["key"]);
});

Deno.test("DenoKvStore tells subjects apart that are no well-formed Unicode", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  const subjects = ["\ud800", "\udfff", "\ufffd", '"\\ud800"', "\ud800".repeat(256)];
  for (const [index, subject] of subjects.entries()) {
    await store.create(`${index}`, makeBound(clock, { subject }));
  }
  for (const [index, subject] of subjects.entries()) {
    assertEquals(await listed(store, subject), [`${index}`]);
    assertEquals(await store.deleteAll(subject, {}), 1);
  }
});

Deno.test("DenoKvStore keeps apart what lies under prefixes that begin alike", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const prefixes = [[], ["session"], ["session", "subject"], ["session", 0], ["subject"]];
  const stores = prefixes.map((prefix) => new DenoKvStore({ kv, prefix, clock: clock.now }));
  const keys = ["session", "subject", "user:42"];
  for (const store of stores) {
    for (const key of keys) assert(await store.create(key, makeBound(clock)), key);
  }
  for (const store of stores) assertEquals((await listed(store, SUBJECT)).sort(), keys.toSorted());
  for (const [index, store] of stores.entries()) {
    for (const rest of stores.slice(index)) assertEquals((await listed(rest, SUBJECT)).length, 3);
    assertEquals(await store.deleteAll(SUBJECT, {}), 3);
  }
  assertEquals((await keysOf(kv)).length, stores.length);
});

Deno.test("DenoKvStore ends a session however often it is written meanwhile", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const others = new DenoKvStore({ kv, clock: clock.now });
  let record = makeBound(clock, { data: LARGE });
  await others.create("key", record);
  const store = new DenoKvStore({
    clock: clock.now,
    kv: wrapCommits(kv, async (go) => {
      const next = { ...record, version: record.version + 1 };
      assert(await others.update("key", next, record));
      record = next;
      return await go();
    }),
  });
  await store.delete("key");
  assert(record.version > 5);
  assertEquals(await others.read("key"), undefined);
  assertEquals(await listed(others, SUBJECT), []);
  assertEquals(await keysOf(kv), []);
});

Deno.test("DenoKvStore excepts nobody of whom two ends at the same time except one each", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  const [one, other] = ["one", "other"].map((sid) => makeBound(clock, { sid }));
  await store.deleteAll(SUBJECT, { except: one!.sid });
  await store.deleteAll(SUBJECT, { except: one!.sid });
  assert(await store.create("one", one!));
  await store.deleteAll(SUBJECT, { except: other!.sid });
  for (const record of [one!, other!]) {
    await assertRejects(() => store.create("key", record), SessionEndedError);
  }
});

Deno.test("DenoKvStore leaves no session alive when two handles of one file log in, move and end all", async () => {
  const clock = new FakeClock();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/sessions.kv`;
  const stores = [1, 2].map(() => new DenoKvStore({ path, clock: clock.now }));
  const login = async (store: DenoKvStore, key: string) => {
    const record = makeBound(clock, { sid: key });
    try {
      if (!await store.create(key, record)) return;
      await store.replace(key, { key: `${key}-moved`, record: { ...record, version: 2 } }, record);
    } catch (error) {
      if (!(error instanceof SessionEndedError)) throw error;
    }
  };
  for (let round = 0; round < 5; round++) {
    const logins = Array.from(
      { length: 20 },
      (_, index) => login(stores[index % 2]!, `${round}-${index}`),
    );
    await stores[round % 2]!.deleteAll(SUBJECT, {});
    await Promise.all(logins);
    for (const store of stores) assertEquals(await listed(store, SUBJECT), []);
    clock.advance(1);
  }
  for (const store of stores) await store[Symbol.asyncDispose]();
  using kv = await Deno.openKv(path);
  assertEquals(await keysOf(kv), [["session", "subject", '"user:42"']]);
  kv.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("DenoKvStore hands out a copy of what it goes by", async () => {
  const { kv, close } = await openTemporary();
  try {
    const clock = new FakeClock();
    const store = new DenoKvStore({ kv, clock: clock.now });
    const bound = { subject: "alice", subjectAt: clock.now() };
    await store.create("key", makeRecord(clock, bound));
    const read = (await store.read("key"))!;
    Object.assign(read, { subject: "bob" });
    assert(
      await store.update("key", makeRecord(clock, { ...bound, subject: "bob", version: 2 }), read),
    );
    const subjects = await Promise.all(
      ["alice", "bob"].map((subject) => Array.fromAsync(store.list(subject))),
    );
    assertEquals(subjects.map((sessions) => sessions.length), [0, 1]);
    assertEquals(await store.deleteAll("alice", {}), 0);
    assertEquals((await store.read("key"))?.subject, "bob");
  } finally {
    await close();
  }
});

Deno.test("DenoKvStore reads and writes over what the first version stored, large and small", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  const record = makeBound(clock, { flash: '{"notice":"ż"}' });
  await kv.set(["session", "small"], record);
  assertEquals(await store.read("small"), record);
  assert(await store.update("small", { ...record, version: 2 }, record));
  const { data: _, flash: __, ...rest } = record;
  const texts = new TextEncoder().encode(JSON.stringify({ data: LARGE, flash: record.flash }));
  const atomic = kv.atomic().set(["session", "large"], { ...rest, data: "", parts: 4 });
  for (let part = 0; part < 4; part++) {
    atomic.set(["session", "large", part], texts.slice(part * 60_000, (part + 1) * 60_000));
  }
  await atomic.commit();
  const large = (await store.read("large"))!;
  assertEquals(large, { ...record, data: LARGE });
  assert(await store.touch("large", { ...large, lastSeenAt: clock.now() + 1 }, large));
  assert(await store.replace("large", { key: "next", record: { ...record, version: 2 } }, large));
  await store.delete("small");
  const next = [["session", "next"], ["session", "subject", '"user:42"', "next"]];
  assertEquals(await keysOf(kv), next);
});

Deno.test("DenoKvStore watches a database for other processes where there can be others", async () => {
  const variable = "DENO_DEPLOYMENT_ID";
  const { openKv } = Deno;
  let watched = 0;
  const open = async () => {
    const kv = await openKv(":memory:");
    const watch = kv.watch.bind(kv);
    return Object.assign(kv, {
      watch: (...args: Parameters<typeof watch>) => (watched++, watch(...args)),
    });
  };
  const watchedBy = async (options: DenoKvStoreOptions) => {
    watched = 0;
    const store = new DenoKvStore(options);
    const stop = await store.watch(() => {}, undefined, "key");
    await stop();
    await store[Symbol.asyncDispose]();
    return watched;
  };
  Object.defineProperty(Deno, "openKv", { value: open, configurable: true });
  try {
    assertEquals(await watchedBy({ path: "sessions.kv" }), 0);
    assertEquals(await watchedBy({}), 0);
    assertEquals(await watchedBy({ path: "https://kv.example" }), 1);
    const kv = await open();
    assertEquals(await watchedBy({ kv }), 1);
    kv.close();
    Deno.env.set(variable, "abc");
    assertEquals(await watchedBy({}), 1);
  } finally {
    Deno.env.delete(variable);
    Object.defineProperty(Deno, "openKv", { value: openKv, configurable: true });
  }
});

Deno.test("DenoKvStore waits for no notification of a database that was closed meanwhile", async () => {
  const kv = await Deno.openKv(":memory:");
  const watching = new DenoKvStore({ kv }).watch(() => {}, undefined, "key");
  kv.close();
  const stop = await inTime(watching);
  assert(stop !== "never");
  await stop();
});
