import type { SessionRecord } from "@x/hono-session";
import { type RedisClientLike, RedisStore } from "@x/hono-session/stores/redis";
import { assertEquals } from "@std/assert";
import { FakeClock } from "./clock.ts";
import { makeRecord } from "./record.ts";

/** So many that every node of a cluster has some, and all of them at the same time. */
const USERS = Array.from({ length: 12 }, (_, at) => `user:${at}`);

function record(clock: FakeClock, changes: Partial<SessionRecord> = {}): SessionRecord {
  return makeRecord(clock, { sid: crypto.randomUUID(), ...changes });
}

/** All that a store does, for several users at once: from the login to the end of all sessions. */
export async function visitRedis(client: RedisClientLike, prefix = "session:"): Promise<void> {
  const clock = new FakeClock();
  const store = new RedisStore({ client, prefix, clock: clock.now });
  await Promise.all(USERS.map(async (subject) => {
    const key = `${subject} first`;
    const moved = `${subject} moved`;
    const first = record(clock, { data: '{"name":"Żaneta"}' });
    assertEquals(await store.create(key, first), true, "create");
    assertEquals(await store.create(key, first), false, "create again");
    assertEquals(await store.read(key), first, "read");
    const generation = await store.generation(subject);
    const login = { ...first, version: 2, subject, subjectAt: clock.now(), generation };
    assertEquals(await store.replace(key, { key: moved, record: login }, first), true, "replace");
    assertEquals(await store.read(key), undefined, "read what was replaced");
    const second = { ...login, version: 3, data: '{"visits":1}' };
    assertEquals(await store.update(moved, second, login), true, "update");
    assertEquals(await store.update(moved, second, login), false, "update what was updated");
    const times = { ...second, expiresAt: second.expiresAt + 1000 };
    assertEquals(await store.touch(moved, times, second), true, "touch");
    assertEquals(await store.read(moved), times, "read what was touched");
    const bound = { subject, subjectAt: clock.now(), generation };
    assertEquals(await store.create(`${subject} other`, record(clock, bound)), true);
    const sids = (await Array.fromAsync(store.list(subject))).map(({ record }) => record.sid);
    assertEquals(sids.length, 2, "list");
    await store.delete(`${subject} other`);
    assertEquals((await Array.fromAsync(store.list(subject))).length, 1, "list after delete");
    assertEquals(await store.deleteAll(subject, {}), 1, "deleteAll");
    assertEquals(await store.read(moved), undefined, "read after deleteAll");
    assertEquals(await store.create(`${subject} kept`, record(clock)), true);
  }));
}
