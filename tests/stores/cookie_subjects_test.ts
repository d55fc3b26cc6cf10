import {
  type Awaitable,
  type ListedSession,
  SessionEndedError,
  type SessionRecord,
  type SessionStore,
} from "@x/hono-session";
import { createHash } from "node:crypto";
import {
  type CookieStore,
  EncryptedCookieStore,
  Revocations,
  UnsignedCookieStore,
} from "@x/hono-session/stores/cookie";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { FakeClock } from "../_support/clock.ts";
import { AUTHENTICATED_STORES, COOKIE_STORES, SECRET } from "../_support/cookie_stores.ts";
import { everyOrder, Turnstile } from "../_support/interleave.ts";
import { makeRecord } from "../_support/record.ts";
import { withoutIndex } from "../_support/without_index.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;

function setup(make = AUTHENTICATED_STORES["EncryptedCookieStore"]!) {
  const clock = new FakeClock();
  const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
  const watch = new FaultyStore(map);
  const store = make({ revocations: new Revocations(watch), clock: clock.now });
  return { clock, map, watch, store };
}

function makeSid(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 22);
}

/** The record of another session of a subject. */
function makeBound(clock: FakeClock, subject: string, changes: Partial<SessionRecord> = {}) {
  return makeRecord(clock, { sid: makeSid(), subject, subjectAt: clock.now(), ...changes });
}

function written(record: SessionRecord, changes: Partial<SessionRecord> = {}): SessionRecord {
  return { ...record, version: record.version + 1, ...changes };
}

function login(record: SessionRecord, subject: string, subjectAt: number): SessionRecord {
  return written(record, { subject, subjectAt });
}

function unbound(
  { subject: _, subjectAt: __, generation: ___, ...record }: SessionRecord,
): SessionRecord {
  return written(record);
}

/** The session that a cookie identifies. */
async function opened(store: SessionStore, token: string): Promise<SessionRecord | undefined> {
  const record = await store.read(token);
  return record?.trace === undefined ? record : undefined;
}

async function listed(store: SessionStore, subject: string): Promise<ListedSession[]> {
  return await Array.fromAsync(store.list!(subject));
}

/** The handles of the sessions of a subject. */
async function sids(store: SessionStore, subject: string): Promise<string[]> {
  return (await listed(store, subject)).map(({ record }) => record.sid).toSorted();
}

Deno.test("a damaged mark of a subject ends nothing, until all of its sessions are ended again", async () => {
  const { clock, map, store } = setup();
  const now = clock.now();
  await store.deleteAll!("ada", { except: "other" });
  assertEquals(await store.generation!("ada"), now);
  const key = createHash("sha256").update("revoked subject ada").digest("base64url");
  const mark = map.read(key)!;
  const data = JSON.stringify({ generation: "9e15", since: "9e15", except: "other" });
  assertEquals(map.update(key, { ...mark, data, version: mark.version + 1 }, mark), true);
  assertEquals(await store.generation!("ada"), 0);
  await store.deleteAll!("ada", {});
  assertEquals(await store.generation!("ada"), now);
});

Deno.test("cookie sessions are listed where revocations has an index", async () => {
  const clock = new FakeClock();
  const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
  for (const [name, make] of Object.entries(COOKIE_STORES)) {
    const nobody = name === "UnsignedCookieStore";
    const store = make({ revocations: new Revocations(map) });
    assertEquals(store.capabilities.index, !nobody, name);
    assertEquals(store.forCookie("other").capabilities.index, !nobody, name);
    for (const plain of [make(), make({ revocations: new Revocations(withoutIndex(map)) })]) {
      assertEquals(plain.capabilities.index, false);
      await assertRejects(() => listed(plain, "ada"), TypeError, "Cannot list sessions");
    }
  }
  const store = new UnsignedCookieStore({
    parse: JSON.parse,
    revocations: new Revocations(map),
    clock: clock.now,
  });
  await store.create("", makeBound(clock, "ada"));
  assertEquals(map.size, 0, "nobody is believed to be ada");
});

for (const [name, make] of Object.entries(AUTHENTICATED_STORES)) {
  Deno.test(`${name}: the list follows every write of a session`, async () => {
    const { clock, map, store } = setup(make);
    const { sid } = makeBound(clock, "ada");
    const anonymous = makeRecord(clock, { sid, data: '{"secret":"data"}', flash: '{"a":1}' });
    const first = await store.create("", anonymous);
    assertEquals(map.size, 0);

    clock.advance(1);
    const meta = '{"device":"phone"}';
    const bound = {
      ...login(anonymous, "ada", clock.now()),
      meta,
      scope: "a",
      maxAge: HOUR,
      cookie: "{}",
    };
    const second = await store.update(first, bound, anonymous) as string;
    const show = async () => {
      const all = await listed(store, "ada");
      assertEquals(all.length, 1);
      const { record } = all[0]!;
      const { version: _, data, ...shown } = record as SessionRecord;
      assert(!JSON.stringify(all).includes("secret"));
      assert(data === undefined || data === "{}");
      return shown;
    };
    const { version: _, data: __, flash: ___, cookie: ____, ...expected } = bound;
    assertEquals(await show(), { ...expected, cookieName: "sid" });

    clock.advance(60);
    const next = written(bound, { lastSeenAt: clock.now(), meta: '{"device":"tablet"}' });
    const third = await store.update(second, next, bound) as string;
    assertEquals((await show()).meta, '{"device":"tablet"}');
    assertEquals((await show()).lastSeenAt, clock.now());

    clock.advance(60);
    const now = clock.now();
    const times = { lastSeenAt: now, renewedAt: now, expiresAt: now + HOUR * 1000 };
    const fourth = await store.touch(third, times, next) as string;
    const { lastSeenAt, renewedAt, expiresAt } = await show();
    assertEquals({ lastSeenAt, renewedAt, expiresAt }, times);

    const touched = { ...next, ...times };
    const moved = written(touched);
    const fifth = await store.replace(fourth, { key: "", record: moved }, touched) as string;
    assertEquals(await sids(store, "ada"), [sid], "one entry");

    const change = login(moved, "eve", clock.now());
    const sixth = await store.update(fifth, change, moved) as string;
    assertEquals([await sids(store, "ada"), await sids(store, "eve")], [[], [sid]]);
    assertEquals(await opened(store, fifth), undefined, "an older cookie is not ada's any more");

    const cleared = unbound(change);
    const seventh = await store.update(sixth, cleared, change) as string;
    assertEquals(await sids(store, "eve"), []);
    assertEquals(await opened(store, sixth), undefined, "nor is one eve's");
    assertEquals((await store.read(seventh))?.sid, sid);

    const again = login(cleared, "ada", clock.now());
    const eighth = await store.update(seventh, again, cleared) as string;
    assertEquals(await sids(store, "ada"), [sid]);
    await store.delete(eighth);
    assertEquals(await sids(store, "ada"), []);
  });

  Deno.test(`${name}: the key of a list ends one session, with every cookie that it had`, async () => {
    const { clock, store } = setup(make);
    const [phone, tablet] = [makeBound(clock, "ada"), makeBound(clock, "ada")];
    const first = await store.create("", phone);
    const second = await store.update(first, written(phone), phone) as string;
    const other = await store.create("", tablet);
    const { key } = (await listed(store, "ada")).find(({ record }) => record.sid === phone.sid)!;
    assertMatch(key, /^[\w-]{43}$/);
    assertEquals(await store.read(key), undefined, "it identifies no session");
    await store.delete(key);
    assertEquals([await store.read(first), await store.read(second)], [undefined, undefined]);
    assertEquals(await store.update(second, written(phone, { version: 3 }), written(phone)), false);
    assertEquals(await store.touch(second, phone, written(phone)), false);
    assertEquals(await sids(store, "ada"), [tablet.sid]);
    assertEquals(await store.read(other), tablet);
    await store.delete(key);
    await store.delete("A".repeat(43));
    await store.delete(tablet.sid);
    assertEquals(await store.read(other), tablet, "what everybody may see ends nothing");
  });

  Deno.test(`${name}: deleteAll() ends what was the subject's until then, and no login after it`, async () => {
    const { clock, store } = setup(make);
    const records = [makeBound(clock, "ada"), makeBound(clock, "ada"), makeBound(clock, "ada")];
    const [one, two, kept] = records as [SessionRecord, SessionRecord, SessionRecord];
    const tokens = await Promise.all(records.map((record) => store.create("", record)));
    const eve = makeBound(clock, "eve");
    const other = await store.create("", eve);
    const anonymous = makeRecord(clock);
    const nobody = await store.create("", anonymous);

    assertEquals(await store.deleteAll("ada", { except: kept.sid }), 2);
    // By a clock that is behind.
    const generation = await store.generation("ada");
    const newer = makeBound(clock, "ada", { subjectAt: clock.now() - 60_000, generation });
    const late = await store.create("", newer);
    const alive = async () =>
      await Promise.all(tokens.map(async (token) => await store.read(token) !== undefined));
    assertEquals(await alive(), [false, false, true]);
    assertEquals(await sids(store, "ada"), [kept.sid, newer.sid].toSorted());
    assertEquals(await store.read(late), newer);
    assertEquals([await store.read(other), await sids(store, "eve")], [eve, [eve.sid]]);

    // Logins that began before and are stored after, by a clock that is ahead.
    const at = clock.now() + 60_000;
    const refused = (run: () => unknown) =>
      assertRejects(
        async () => await run(),
        SessionEndedError,
        "all sessions of its subject were ended",
      );
    const { sid } = anonymous;
    await refused(() => store.create("", makeBound(clock, "ada", { subjectAt: at })));
    const back = login(anonymous, "ada", at);
    await refused(() => store.update(nobody, back, anonymous));
    await refused(() => store.replace(nobody, { key: "", record: back }, anonymous));
    assertEquals(await store.read(nobody), anonymous, "nothing was written");
    const change = login(eve, "ada", at);
    await refused(() => store.update(other, change, eve));
    assertEquals(await store.read(other), eve);
    assertEquals(await sids(store, "eve"), [eve.sid]);
    assert(!(await sids(store, "ada")).includes(sid));

    // Those that are under way are told that they came too late.
    assertEquals(await store.update(tokens[0]!, written(one), one), false);
    assertEquals(await store.replace(tokens[0]!, { key: "", record: written(one) }, one), false);
    assertEquals(await store.touch(tokens[1]!, two, two), false);
    assertEquals(await sids(store, "ada"), [kept.sid, newer.sid].toSorted());

    const goesOn = written(kept);
    const moved = await store.update(tokens[2]!, goesOn, kept) as string;
    assertEquals(await store.read(moved), goesOn);
    const last = written(goesOn);
    const third = await store.replace(moved, { key: "", record: last }, goesOn) as string;
    assertEquals(await store.read(third), last);
    assertEquals(await store.deleteAll("ada", {}), 2);
    assertEquals([await store.read(third), await store.read(late)], [undefined, undefined]);
    assertEquals(await sids(store, "ada"), []);
  });
}

Deno.test("Deno KV lists sessions in cookies", async () => {
  const clock = new FakeClock();
  await using server = new DenoKvStore({ path: ":memory:", clock: clock.now });
  const revocations = new Revocations(server);
  const store = new EncryptedCookieStore({ secret: SECRET, revocations, clock: clock.now });
  const records = Array.from({ length: 120 }, () => makeBound(clock, "ada"));
  const tokens = await Promise.all(records.map((record) => store.create("", record)));
  const [first, second, third] = records as [SessionRecord, SessionRecord, SessionRecord];
  assertEquals(await sids(store, "ada"), records.map(({ sid }) => sid).toSorted());
  const { key } = (await listed(store, "ada")).find(({ record }) => record.sid === first.sid)!;
  await store.delete(key);
  assertEquals(await store.update(tokens[0]!, written(first), first), false);
  const login = await store.update(tokens[1]!, unbound(second), second) as string;
  assertEquals((await listed(store, "ada")).length, 118);
  clock.advance(1);
  assertEquals(await store.deleteAll("ada", { except: third.sid }), 117);
  const next = await store.update(tokens[2]!, written(third), third) as string;
  assertEquals(await sids(store, "ada"), [third.sid]);
  for (const token of tokens) {
    assertEquals(await store.read(token), token === tokens[2] ? third : undefined);
  }
  assertEquals([(await store.read(login))?.sid, (await store.read(next))?.sid], [
    second.sid,
    third.sid,
  ]);
  clock.advance(HOUR);
  assertEquals(await sids(store, "ada"), []);
});

Deno.test("a deleteAll() takes back nothing of the one before", async () => {
  for (const index of [true, false]) {
    const clock = new FakeClock();
    const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
    const revocations = new Revocations(index ? map : withoutIndex(map));
    const store = new EncryptedCookieStore({ secret: SECRET, revocations, clock: clock.now });
    const create = async (record: SessionRecord) => {
      const token = await store.create("", record);
      return { sid: record.sid, isAlive: async () => await store.read(token) !== undefined };
    };
    const [ended, first, second] = await Promise.all(
      Array.from({ length: 3 }, () => create(makeBound(clock, "ada"))),
    ) as [Awaited<ReturnType<typeof create>>, ...Awaited<ReturnType<typeof create>>[]];
    const alive = async () => [
      await ended.isAlive(),
      await first!.isAlive(),
      await second!.isAlive(),
    ];
    const end = async (except?: string) =>
      await store.deleteAll("ada", except === undefined ? {} : { except });
    assertEquals(await end(first!.sid), index ? 2 : 0);
    assertEquals(await alive(), [false, true, false]);
    clock.advance(-60);
    await end(first!.sid);
    assertEquals(await alive(), [false, true, false], "the same one stays");
    clock.advance(120);
    await end(ended.sid);
    assertEquals(await alive(), [false, false, false], "who is excepted after its end");
    const generation = await store.generation("ada");
    const later = await create(makeBound(clock, "ada", { generation }));
    await end(later.sid);
    assertEquals(await later.isAlive(), true);
    assertEquals(await alive(), [false, false, false]);
    await end();
    assertEquals(await later.isAlive(), false);
  }
});

Deno.test("cookies of several names list their own sessions, and end together", async () => {
  const { clock, store } = setup();
  const other = store.forCookie("other");
  const [mine, theirs] = [makeBound(clock, "ada"), makeBound(clock, "ada")];
  const token = await store.create("", mine);
  const foreign = await other.create("", theirs);
  assertEquals([await sids(store, "ada"), await sids(other, "ada")], [[mine.sid], [theirs.sid]]);
  const { key } = (await listed(other, "ada"))[0]!;
  await store.delete(key);
  assertEquals(await other.read(foreign), theirs, "a key means something to its own cookie only");
  await other.delete(key);
  assertEquals([await store.read(token), await other.read(foreign)], [mine, undefined]);
  const again = makeBound(clock, "ada");
  const last = await other.create("", again);
  assertEquals(await store.deleteAll("ada", {}), 2);
  assertEquals([await store.read(token), await other.read(last)], [undefined, undefined]);
  assertEquals([await sids(store, "ada"), await sids(other, "ada")], [[], []]);
});

Deno.test("sessions that the store on the server holds itself are not among those of cookies", async () => {
  const { clock, map, store } = setup();
  const own = makeBound(clock, "ada", { cookieName: "sid" });
  map.create("key", own);
  const record = makeBound(clock, "ada");
  await store.create("", record);
  assertEquals(await sids(store, "ada"), [record.sid]);
  assertEquals(await sids(map, "ada"), [own.sid]);
  assertEquals(await store.deleteAll("ada", {}), 1);
  assertEquals(map.read("key"), own);
});

Deno.test("an entry lasts as long as any cookie of its session, and no longer", async () => {
  const { clock, map, store } = setup();
  const long = makeBound(clock, "ada", {
    maxAge: 30 * DAY,
    expiresAt: clock.now() + 30 * DAY * 1000,
  });
  const first = await store.create("", long);
  const now = clock.now();
  const short = written(long, { maxAge: HOUR, renewedAt: now, expiresAt: now + HOUR * 1000 });
  const second = await store.update(first, short, long) as string;
  clock.advance(HOUR);
  assertEquals([await store.read(second), (await store.read(first))?.sid], [undefined, long.sid]);
  const [entry] = await listed(store, "ada");
  assertEquals([entry!.record.expiresAt, entry!.record.maxAge], [long.expiresAt, 30 * DAY]);

  const replaced = written(long, { maxAge: HOUR, expiresAt: clock.now() + HOUR * 1000 });
  await store.replace(first, { key: "", record: replaced }, long);
  assertEquals(await opened(store, first), undefined);
  clock.advance(HOUR - 1);
  assertEquals(await sids(store, "ada"), [long.sid]);
  clock.advance(1);
  assertEquals(await sids(store, "ada"), []);
  assertEquals(map.size, 1, "only the mark of the replacement is left");
});

Deno.test("sessions without a subject cost what they cost without an index", async () => {
  const { clock, map, watch, store } = setup();
  const plain = new FaultyStore(withoutIndex(map));
  const without = new EncryptedCookieStore({
    secret: SECRET,
    revocations: new Revocations(plain),
    clock: clock.now,
  });
  const costs = async (store: CookieStore, watch: FaultyStore, record: SessionRecord) => {
    const all: string[][] = [];
    const cost = async <Result>(run: () => Awaitable<Result>) => {
      watch.calls();
      const result = await run();
      all.push(watch.calls());
      return result;
    };
    const first = await cost(() => store.create("", record));
    await cost(() => store.read(first));
    const next = written(record);
    const second = await cost(() => store.update(first, next, record)) as string;
    const third = await cost(() => store.touch(second, next, next)) as string;
    const moved = { key: "", record: written(next) };
    const fourth = await cost(() => store.replace(third, moved, next)) as string;
    await cost(() => store.delete(fourth));
    return all;
  };
  const anonymous = () => makeRecord(clock, { sid: makeSid() });
  const login = async (store: CookieStore, watch: FaultyStore, replaces: boolean) => {
    const record = makeRecord(clock, { sid: makeSid() });
    const token = await store.create("", record);
    const bound = written(record, { subject: "ada", subjectAt: clock.now() });
    watch.calls();
    if (replaces) await store.replace(token, { key: "", record: bound }, record);
    else await store.update(token, bound, record);
    return watch.calls().toSorted();
  };
  assertEquals(await login(without, plain, false), ["read", "read"]);
  assertEquals(await login(without, plain, true), ["create", "read", "read"]);
  assertEquals(await login(store, watch, false), ["create", "read", "read"]);
  const replacing = ["create", "create", "read", "read"];
  assertEquals(await login(store, watch, true), replacing);

  const unbound = [[], ["read"], ["read"], ["read"], ["read", "create"], ["read", "update"]];
  assertEquals(await costs(without, plain, anonymous()), unbound);
  assertEquals(await costs(store, watch, anonymous()), unbound);

  const reads = ["read", "read"];
  assertEquals(await costs(without, plain, makeBound(clock, "ada")), [
    ["read"],
    reads,
    reads,
    reads,
    [...reads, "create"],
    ["read", "update"],
  ]);
  assertEquals(await costs(store, watch, makeBound(clock, "ada")), [
    ["read", "create"],
    reads,
    [...reads, "read", "update"],
    [...reads, "read", "update"],
    [...reads, "read", "create", "update"],
    ["read", "update", "delete"],
  ]);
});

Deno.test("a session that is not listed is by its next write", async () => {
  const { clock, store } = setup();
  const record = makeBound(clock, "ada");
  for (const write of ["update", "touch", "replace"] as const) {
    // Bound before there was an index, or its entry got lost.
    const token = await setup().store.create("", record);
    const { store } = setup();
    const next = written(record);
    if (write === "update") await store.update(token, next, record);
    else if (write === "touch") await store.touch(token, record, record);
    else await store.replace(token, { key: "", record: next }, record);
    assertEquals(await sids(store, "ada"), [record.sid], write);
  }
  assertEquals(await sids(store, "ada"), []);
});

Deno.test("20 requests at the same time write one session, and it is listed once", async () => {
  const { clock, store, watch } = setup();
  const record = makeBound(clock, "ada");
  const token = await store.create("", record);
  // Of those that have read the entry one after the other is the first to write it.
  watch.inject("update", 1);
  const tokens = await Promise.all(
    Array.from({ length: 20 }, () => store.update(token, written(record), record)),
  );
  for (const each of tokens) assertEquals((await store.read(each as string))?.version, 2);
  assertEquals(await sids(store, "ada"), [record.sid]);
});

Deno.test("30 requests at the same time renew one session, and it is listed until the last one ends", async () => {
  const { clock, store } = setup();
  const record = makeBound(clock, "ada");
  const token = await store.create("", record);
  const renewals = Array.from({ length: 30 }, (_, index) => ({
    ...record,
    expiresAt: record.expiresAt + index,
  }));
  await Promise.all(renewals.map((times) => store.touch(token, times, record)));
  const [{ record: entry }] = await listed(store, "ada") as [ListedSession];
  assertEquals(entry.expiresAt, record.expiresAt + 29);
});

Deno.test("20 logins at the same time as deleteAll() leave nothing alive", async () => {
  const { clock, store } = setup();
  const anonymous = makeRecord(clock);
  const nobody = await store.create("", anonymous);
  const attempt = async (racer: number) => {
    const bound = login(makeRecord(clock, { sid: makeSid() }), "ada", clock.now());
    const write = [
      () => store.create("", { ...bound, version: 1 }),
      () => store.update(nobody, bound, anonymous),
      () => store.replace(nobody, { key: "", record: bound }, anonymous),
    ][racer % 3]!;
    try {
      return await write();
    } catch (error) {
      assert(error instanceof SessionEndedError);
      return false;
    }
  };
  const racers = Array.from({ length: 20 }, (_, racer) => racer);
  const [before, after] = [racers.slice(0, 10), racers.slice(10)];
  const settled = await Promise.all([
    ...before.map(attempt),
    store.deleteAll("ada", {}),
    ...after.map(attempt),
  ]);
  for (const token of settled) {
    if (typeof token === "string") assertEquals(await store.read(token), undefined);
  }
  assertEquals(await sids(store, "ada"), []);
});

Deno.test("1,000 sessions of one subject are listed and ended", async () => {
  const { clock, store, watch } = setup();
  const records = Array.from({ length: 1000 }, () => makeBound(clock, "ada"));
  for (const record of records) await store.create("", record);
  const except = records[500]!.sid;
  watch.calls();
  assertEquals(await store.deleteAll("ada", { except }), 999);
  assertEquals(watch.calls().length, 999 + 3);
  watch.calls();
  assertEquals(await sids(store, "ada"), [except]);
  assertEquals(watch.calls(), ["list", "read", "read"], "the subject's mark and that of each");
});

type Result = string | false | void | number;

/** What can be done with a session of ada at the same time as something else. */
interface Act {
  /** What it does with the store. */
  run(store: CookieStore, given: Given): Awaitable<Result>;
  /** Whether all that ada has is ended by it. */
  endsAll?: boolean;
  /** Whether the session is ended by it: if it is ada's, or whosever it is. */
  ends?: "ada's" | "any";
  /** Whether it begins with a session of nobody. */
  anonymous?: boolean;
}

interface Given {
  readonly token: string;
  readonly record: SessionRecord;
  readonly now: number;
  /** What ada has. */
  readonly listed: ListedSession[];
}

const LATER = { renewedAt: 0, lastSeenAt: 0, expiresAt: 0 };

const ACTS: Record<string, Act> = {
  write: { run: (store, { token, record }) => store.update(token, written(record), record) },
  touch: {
    run(store, { token, record, now }) {
      const times = { ...LATER, renewedAt: now, lastSeenAt: now, expiresAt: now + 2 * HOUR * 1000 };
      return store.touch(token, times, record);
    },
  },
  regeneration: {
    run: (store, { token, record }) =>
      store.replace(token, { key: "", record: written(record) }, record),
  },
  change: {
    run: (store, { token, record, now }) => store.update(token, login(record, "eve", now), record),
  },
  clearing: { run: (store, { token, record }) => store.update(token, unbound(record), record) },
  login: {
    run: (store, { token, record, now }) => store.update(token, login(record, "ada", now), record),
    anonymous: true,
  },
  "login with a new token": {
    run: (store, { token, record, now }) =>
      store.replace(token, { key: "", record: login(record, "ada", now) }, record),
    anonymous: true,
  },
  "login on another device": {
    run: (store, { record, now }) =>
      store.create("", {
        ...record,
        sid: "another".padEnd(22, "-"),
        subject: "ada",
        subjectAt: now,
      }),
  },
  logout: { run: (store, { token }) => store.delete(token), ends: "any" },
  revocation: {
    async run(store, { listed: [session] }) {
      const [found = session] = session ? [] : await listed(store, "ada");
      if (found) await store.delete(found.key);
    },
    ends: "ada's",
  },
  "end of all": { run: (store) => store.deleteAll("ada", {}), endsAll: true },
};

/** Whether cookies live, and are listed, as they should be once everything is over. */
async function assertListed(
  store: CookieStore,
  { tokens }: { tokens: readonly string[] },
  what: string,
): Promise<SessionRecord[]> {
  const alive = (await Promise.all(tokens.map((token) => opened(store, token)))).filter((record) =>
    record !== undefined
  );
  for (const subject of ["ada", "eve"]) {
    const found = await sids(store, subject);
    const live = alive.filter((record) => record.subject === subject).map(({ sid }) => sid);
    for (const sid of live) assert(found.includes(sid), `${what}: ${sid} lives but is not listed`);
    for (const sid of found) assert(live.includes(sid), `${what}: ${sid} is listed`);
  }
  return alive;
}

async function begin(store: CookieStore, clock: FakeClock, { anonymous }: Act): Promise<Given> {
  const record = anonymous
    ? makeRecord(clock)
    : makeRecord(clock, { subject: "ada", subjectAt: clock.now() });
  const token = await store.create("", record);
  clock.advance(1);
  return { token, record, now: clock.now(), listed: await listed(store, "ada") };
}

async function attempt(run: () => Awaitable<Result>): Promise<string[]> {
  try {
    const result = await run();
    return typeof result === "string" ? [result] : [];
  } catch (error) {
    if (error instanceof SessionEndedError) return [];
    throw error;
  }
}

const WRITERS = Object.keys(ACTS).filter((name) => !ACTS[name]!.ends && !ACTS[name]!.endsAll);
const ENDERS = ["logout", "revocation", "end of all"];

for (const writer of WRITERS) {
  for (const ender of ENDERS) {
    Deno.test(`${writer} and ${ender} at the same time leave what is listed, in every order`, async () => {
      const act = ACTS[writer]!;
      const { endsAll, ends } = ACTS[ender]!;
      using _ = digestingAtOnce();
      const orders = await everyOrder(async (choose) => {
        const clock = new FakeClock();
        const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
        const turnstile = new Turnstile();
        const make = (server: SessionStore) =>
          new EncryptedCookieStore({
            secret: SECRET,
            revocations: new Revocations(server),
            clock: clock.now,
          });
        const given = await begin(make(map), clock, act);
        const tokens = [given.token];
        await turnstile.run({
          writer: async () => {
            const store = make(paced(map, turnstile.guard(NOTHING, "writer")));
            tokens.push(...await attempt(() => act.run(store, given)));
          },
          ender: async () => {
            const store = make(paced(map, turnstile.guard(NOTHING, "ender")));
            await attempt(() => ACTS[ender]!.run(store, given));
          },
        }, choose);
        const what = turnstile.calls.join(", ");
        const alive = await assertListed(make(map), { tokens }, what);
        const left = alive.filter(({ sid, subject }) =>
          endsAll
            ? subject === "ada"
            : sid === given.record.sid && (ends === "any" || given.record.subject === subject)
        );
        // Who comes before the login finds nothing to revoke.
        if (!act.anonymous || ender !== "revocation") assertEquals(left, [], what);
      });
      assert(orders > 1, `${orders} orders`);
    });
  }
}

/** What leaves behind the cookie that a session had. */
const LEAVING = ["regeneration", "change", "clearing"];

for (const [index, one] of WRITERS.entries()) {
  for (const other of WRITERS.slice(index)) {
    Deno.test(`${one} and ${other} at the same time leave what is listed, in every order`, async () => {
      const acts = { one: ACTS[one]!, other: ACTS[other]! };
      using _ = digestingAtOnce();
      const orders = await everyOrder(async (choose) => {
        const clock = new FakeClock();
        const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
        const turnstile = new Turnstile();
        const make = (server: SessionStore) =>
          new EncryptedCookieStore({
            secret: SECRET,
            revocations: new Revocations(server),
            clock: clock.now,
          });
        const anonymous = Boolean(acts.one.anonymous && acts.other.anonymous);
        const given = await begin(make(map), clock, { ...acts.one, anonymous });
        const made: Record<string, string[]> = {};
        const act = (name: "one" | "other") => async () => {
          const store = make(paced(map, turnstile.guard(NOTHING, name)));
          made[name] = await attempt(() => acts[name].run(store, given));
        };
        await turnstile.run({ one: act("one"), other: act("other") }, choose);
        const what = turnstile.calls.join(", ");
        const tokens = [given.token, ...made.one!, ...made.other!];
        const alive = await assertListed(make(map), { tokens }, what);
        const own = alive.filter(({ sid }) => sid === given.record.sid);
        const leaving = [one, other].filter((name) => LEAVING.includes(name));
        if (leaving.length > 0) assertEquals(own.length, 1, what);
        if (leaving.length > 1) {
          const outcomes = [made.one!.length, made.other!.length];
          assertEquals(outcomes.toSorted(), [0, 1], what);
        }
      }, 4);
      assert(orders > 1, `${orders} orders`);
    });
  }
}

const NOTHING = withoutIndex(new Proxy({} as SessionStore, { get: () => () => true }));

/** Lets what is hashed at the same time be ready in the order in which it was asked for. */
function digestingAtOnce(): Disposable {
  const digest = (_: unknown, data: ArrayBuffer) => {
    const hash = createHash("sha256").update(new Uint8Array(data)).digest();
    return Promise.resolve(new Uint8Array(hash).buffer);
  };
  Object.defineProperty(crypto.subtle, "digest", { value: digest, configurable: true });
  return { [Symbol.dispose]: () => void Reflect.deleteProperty(crypto.subtle, "digest") };
}

/** A store whose operations wait their turn, those that are called at the same time one after the other. */
function paced(store: SessionStore, turns: SessionStore): SessionStore {
  let last: Promise<unknown> = Promise.resolve();
  const after = <Answer>(turn: () => unknown, run: () => Awaitable<Answer>): Promise<Answer> => {
    const next = last.then(async () => {
      await turn();
      return await run();
    });
    last = next.catch(() => {});
    return next;
  };
  return {
    capabilities: store.capabilities,
    read: (...args) => after(() => turns.read(...args), () => store.read(...args)),
    create: (...args) => after(() => turns.create(...args), () => store.create(...args)),
    update: (...args) => after(() => turns.update(...args), () => store.update(...args)),
    replace: (...args) => after(() => turns.replace(...args), () => store.replace(...args)),
    touch: (...args) => after(() => turns.touch(...args), () => store.touch(...args)),
    delete: (...args) => after(() => turns.delete(...args), () => store.delete(...args)),
    async *list(...args) {
      const sessions = () => Array.fromAsync(store.list!(...args));
      yield* await after(() => turns.read(args[0]), sessions);
    },
  };
}

for (const [name, act] of Object.entries(ACTS)) {
  Deno.test(`${name} that dies at any step leaves alive what is listed, and nothing else`, async () => {
    for (let steps = 0;; steps++) {
      const clock = new FakeClock();
      const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
      const make = (server: SessionStore) =>
        new EncryptedCookieStore({
          secret: SECRET,
          revocations: new Revocations(server),
          clock: clock.now,
        });
      const given = await begin(make(map), clock, act);
      let left = steps;
      const live = () => {
        if (left-- <= 0) throw new Error("died");
      };
      const dying = paced(map, new Proxy(NOTHING, { get: () => live }));
      const tokens = [given.token];
      let died = false;
      try {
        tokens.push(...await attempt(() => act.run(make(dying), given)));
      } catch (error) {
        assertEquals((error as Error).message, "died");
        died = true;
      }
      await assertListed(make(map), { tokens }, `${name}, ${steps} steps`);
      // Whoever tries once more gets what he wanted.
      if (act.ends || act.endsAll) {
        await act.run(make(map), given);
        await assertListed(make(map), { tokens }, `${name}, once more`);
        assertEquals(await make(map).read(given.token), undefined);
      }
      if (!died) {
        assert(steps > 0);
        break;
      }
    }
  });
}

for (const [name, act] of Object.entries(ACTS)) {
  Deno.test(`${name} of which an answer is lost leaves alive what is listed, and nothing else`, async () => {
    for (let lost = 0;; lost++) {
      const clock = new FakeClock();
      const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
      const make = (server: SessionStore) =>
        new EncryptedCookieStore({
          secret: SECRET,
          revocations: new Revocations(server),
          clock: clock.now,
        });
      const given = await begin(make(map), clock, act);
      let calls = 0;
      const losing = losingAnswers(map, () => calls++ === lost);
      const tokens = [given.token];
      let failed = false;
      try {
        tokens.push(...await attempt(() => act.run(make(losing), given)));
      } catch (error) {
        assertEquals((error as Error).message, "lost");
        failed = true;
      }
      await assertListed(make(map), { tokens }, `${name}, call ${lost}`);
      if (!failed) {
        assert(lost > 0);
        break;
      }
    }
  });

  Deno.test(`${name} of which a write arrives when it was given up leaves alive what is listed`, async () => {
    for (let late = 0;; late++) {
      const clock = new FakeClock();
      const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
      const make = (server: SessionStore) =>
        new EncryptedCookieStore({
          secret: SECRET,
          revocations: new Revocations(server),
          clock: clock.now,
        });
      const given = await begin(make(map), clock, act);
      let calls = 0;
      let arrive: (() => unknown) | undefined;
      const slow = losingAnswers(map, () => false, (run) => {
        if (calls++ !== late) return false;
        arrive = run;
        return true;
      });
      const tokens = [given.token];
      try {
        tokens.push(...await attempt(() => act.run(make(slow), given)));
      } catch (error) {
        assertEquals((error as Error).message, "lost");
      }
      await arrive?.();
      await assertListed(make(map), { tokens }, `${name}, call ${late}`);
      if (!arrive) {
        assert(late > 0);
        break;
      }
    }
  });

  if (act.ends || act.endsAll) continue;
  Deno.test(`${name} that is called off while it is written leaves alive what is listed`, async () => {
    for (let late = 0;; late++) {
      const clock = new FakeClock();
      const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
      const make = (server: SessionStore) =>
        new EncryptedCookieStore({
          secret: SECRET,
          revocations: new Revocations(server),
          clock: clock.now,
        });
      const given = await begin(make(map), clock, act);
      const abort = new AbortController();
      let calls = 0;
      const aborting = losingAnswers(map, () => {
        if (calls++ === late) abort.abort(new Error("called off"));
        return false;
      });
      const store = make(aborting);
      assert(store.capabilities.abortable);
      const signalled = new Proxy(store, {
        get: (target, member: keyof CookieStore) => (...args: unknown[]) => {
          const most = member === "create" ? 3 : 4;
          const all = [...args, ...Array(most - args.length).fill(undefined), abort.signal];
          return Reflect.apply(target[member] as () => unknown, target, all);
        },
      });
      const tokens = [given.token];
      let calledOff = false;
      try {
        tokens.push(...await attempt(() => act.run(signalled, given)));
      } catch (error) {
        assertEquals((error as Error).message, "called off");
        calledOff = true;
      }
      await assertListed(make(map), { tokens }, `${name}, call ${late}`);
      assertEquals(calledOff, calls > late);
      if (!calledOff) {
        assert(late > 0);
        break;
      }
    }
  });
}

/** A store of which some calls are done, but fail all the same. */
function losingAnswers(
  store: SessionStore,
  isLost: () => boolean,
  isLate: (run: () => unknown) => boolean = () => false,
): SessionStore {
  const lose = async <Answer>(run: () => Awaitable<Answer>): Promise<Answer> => {
    if (isLate(run)) throw new Error("lost");
    const answer = await run();
    if (isLost()) throw new Error("lost");
    return answer;
  };
  return {
    capabilities: store.capabilities,
    read: (...args) => lose(() => store.read(...args)),
    create: (...args) => lose(() => store.create(...args)),
    update: (...args) => lose(() => store.update(...args)),
    replace: (...args) => lose(() => store.replace(...args)),
    touch: (...args) => lose(() => store.touch(...args)),
    delete: (...args) => lose(() => store.delete(...args)),
    async *list(...args) {
      yield* await lose(() => Array.fromAsync(store.list!(...args)));
    },
  };
}
