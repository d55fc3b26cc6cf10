import {
  type ListedSession,
  SessionEndedError,
  type SessionRecord,
  type SessionStore,
  type StoreReplacement,
  type Trace,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import type { SessionBug } from "./model_handler.ts";
import type { OpenStore, World } from "./model_store.ts";

/** The `sid` of the record that holds the generation of all sessions. */
const EVERYBODY = "A".repeat(22);

type Bug = (map: MapStore, world: World) => Partial<SessionStore>;

/** The ways in which a store can break its contract that the model has to find. */
const BUGS: Readonly<Record<string, Bug>> = {
  "update brings a deleted record back": (map) => ({
    update: (key, record, previous) =>
      map.update(key, record, previous) || !map.read(key) && map.create(key, record),
  }),
  "the end of all sessions of everybody is forgotten": (map) => ({
    create: (key, record) => record.sid === EVERYBODY || map.create(key, record),
  }),
  "a session is of no generation": (map) => ({
    create: (key, { storeGeneration: _, ...record }) => map.create(key, record),
  }),
  "update ignores the version": (map) => ({
    update: (key, record) => overwrite(map, key, record),
  }),
  "update looks and writes in two steps": (map, { pause }) => ({
    async update(key, record, previous) {
      if (map.read(key)?.version !== previous.version) return false;
      await pause("update");
      return overwrite(map, key, record);
    },
  }),
  "an update that was done is answered as refused": (map) => {
    let updates = 0;
    return {
      update: (key, record, previous) => map.update(key, record, previous) && ++updates % 3 > 0,
    };
  },
  "an update is answered as done, and lost": (map) => {
    let updates = 0;
    return {
      update: (key, record, previous) => ++updates % 3 === 0 || map.update(key, record, previous),
    };
  },
  "touch writes the data back that were read": (map) => ({
    touch: (key, times, previous) => overwrite(map, key, { ...previous, ...times }),
  }),
  "replace leaves the old record": (map) => ({
    replace: (key, next, previous) =>
      map.read(key)?.version === previous.version && map.create(next.key, next.record),
  }),
  "replace brings a deleted record back": (map) => ({
    replace(key, next) {
      map.delete(key);
      return map.create(next.key, next.record);
    },
  }),
  "delete does nothing while a write is under way": (map, { pause }) => {
    let writes = 0;
    return {
      async update(key, record, previous) {
        writes++;
        await pause("update");
        writes--;
        return map.update(key, record, previous);
      },
      delete: (key) => writes === 0 ? map.delete(key) : undefined,
    };
  },
  "delete is answered before it is done": (map, { later }) => ({
    delete: (key) => void later("delete").then(() => map.delete(key)),
  }),
  "read gives expired records a new life": (_, { clock }) => {
    const map = new MapStore({ clock: () => 0 });
    return {
      ...membersOf(map),
      read(key) {
        const record = map.read(key);
        if (!record || record.expiresAt > clock()) return record;
        return { ...record, renewedAt: clock(), expiresAt: clock() + 60_000 };
      },
    };
  },
  "read answers from a cache": (map) => {
    const cache = new Map<string, SessionRecord>();
    return {
      read(key) {
        const record = cache.get(key) ?? map.read(key);
        if (record) cache.set(key, record);
        return record && { ...record };
      },
    };
  },
};

/** The ways in which a store can be wrong about how sessions were confirmed. */
const CONFIRMATION_BUGS: Readonly<Record<string, Bug>> = {
  "an update loses what was confirmed meanwhile": (map) => {
    let updates = 0;
    return {
      update(key, record, previous) {
        const { confirmed: _, ...rest } = record;
        const isLost = record.confirmed !== previous.confirmed && ++updates % 3 === 0;
        return map.update(key, isLost ? rest : record, previous);
      },
    };
  },
  "another subject takes along what was confirmed": (map) => ({
    update: (key, record, previous) =>
      map.update(key, { ...withConfirmed(previous), ...record }, previous),
  }),
  "a new token moves the time of what was confirmed": (map, { clock }) => ({
    replace(key, next, previous) {
      const times = Object.keys(JSON.parse(next.record.confirmed ?? "{}"))
        .map((method) => [method, clock()]);
      const confirmed = JSON.stringify(Object.fromEntries(times));
      return map.replace(key, { ...next, record: { ...next.record, confirmed } }, previous);
    },
  }),
};

/** The ways in which a store can spoil what is left of a token that was rotated or replaced. */
const TRACE_BUGS: Readonly<Record<string, Bug>> = {
  "a rotated token is not accepted until its successor has come back": (map, { clock }) => ({
    replace: (key, next, previous) =>
      map.replace(key, withLeft(next, { graceUntil: clock() }), previous),
  }),
  "a rotated token is accepted once": (map) => ({
    read(key) {
      const record = map.read(key);
      if (record?.successor !== undefined) map.delete(key);
      return record;
    },
  }),
  "a rotated token is forgotten": (map) => ({
    replace: (key, next, previous) => map.replace(key, withoutLeft(next, "rotated"), previous),
  }),
  "the grace of a rotated token never starts": (map) => ({
    update: (key, record, previous) =>
      record.trace === "rotated" || map.update(key, record, previous),
  }),
  "the reuse of a rotated token is forgotten": (map, { clock }) => ({
    read(key) {
      const record = map.read(key);
      return record?.trace && clock() >= (record.graceUntil ?? Infinity) ? undefined : record;
    },
  }),
  "who is late does not find the present token": (map, { clock }) => {
    const seen = new WeakMap<object, string>();
    return {
      read(key, c) {
        const record = map.read(key);
        const isLate = seen.get(c as object) === key;
        seen.set(c as object, key);
        return isLate && clock() >= (record?.graceUntil ?? Infinity) ? undefined : record;
      },
    };
  },
  "a token that was replaced is forgotten": (map) => ({
    replace: (key, next, previous) => map.replace(key, withoutLeft(next, "replaced"), previous),
  }),
  "an independent session holds what the other one did": (map) => {
    const data = new WeakMap<object, string>();
    return {
      read(key, c) {
        const record = map.read(key);
        if (record && !record.trace) data.set(c as object, record.data);
        return record;
      },
      create(key, record, c) {
        const others = JSON.parse(data.get(c as object) ?? "{}");
        const all = JSON.stringify({ ...others, ...JSON.parse(record.data) });
        return map.create(key, { ...record, data: all });
      },
    };
  },
};

/** The ways in which a store can be wrong about the sessions of subjects. */
const SUBJECT_BUGS: Readonly<Record<string, Bug>> = {
  "who logs in after all were ended is refused": () => ({ generation: () => 0 }),
  "who logs in while all are ended is not refused": (map) => ({
    async deleteAll(subject, { except }) {
      let count = 0;
      for await (const { key, record } of map.list(subject)) {
        if (record.sid === except) continue;
        map.delete(key);
        count++;
      }
      return count;
    },
  }),
  "the end of all and a login are ordered by clocks": (map, { clocks: [ending, loggingIn] }) => {
    const ends = new Map<string | undefined, number>();
    const assertLater = ({ subject, generation = 0 }: SessionRecord) => {
      if (generation <= (ends.get(subject) ?? -Infinity)) throw new SessionEndedError("too late");
    };
    return {
      generation: () => loggingIn!(),
      create(key, record) {
        assertLater(record);
        return map.create(key, record);
      },
      update(key, record, previous) {
        if (record.subject !== previous.subject) assertLater(record);
        return map.update(key, record, previous);
      },
      replace(key, next, previous) {
        if (next.record.subject !== previous.subject) assertLater(next.record);
        return map.replace(key, next, previous);
      },
      deleteAll(subject, options) {
        ends.set(subject, ending!());
        return map.deleteAll(subject, options);
      },
    };
  },
  "the session that is excepted ends as well": (map) => ({
    deleteAll: (subject) => map.deleteAll(subject, {}),
  }),
  "a list is kept for the next time": (map) => {
    const lists = new Map<string, ListedSession[]>();
    return {
      async *list(subject) {
        const kept = lists.get(subject) ?? await Array.fromAsync(map.list(subject));
        lists.set(subject, kept);
        yield* kept;
      },
    };
  },
  "a list leaves out what was given another token": (map) => {
    const given = new Set<string>();
    return {
      replace(key, next, previous) {
        given.add(next.key);
        return map.replace(key, next, previous);
      },
      async *list(subject) {
        for await (const listed of map.list(subject)) if (!given.has(listed.key)) yield listed;
      },
    };
  },
  "a login whose answer gets lost is not taken back": (map) => ({
    create: (key, record) => record.trace !== undefined || map.create(key, record),
  }),
};

/** Stores that break their contract, by what is wrong with them. */
export const BROKEN_STORES = broken({ ...BUGS, ...CONFIRMATION_BUGS, ...SUBJECT_BUGS });

/** Stores that break what the contract says of traces, which are left where sessions rotate. */
export const BROKEN_TRACES = broken(TRACE_BUGS);

function broken(
  bugs: Readonly<Record<string, Bug>>,
): readonly (readonly [name: string, open: OpenStore])[] {
  return Object.entries(bugs).map(([name, bug]) => [
    name,
    (world) => {
      const map = new MapStore({ clock: world.clock });
      return { ...membersOf(map), ...bug(map, world) };
    },
  ]);
}

/** The ways in which a store of marks can forget what it was told of cookies. */
const MARK_BUGS: Readonly<Record<string, Bug>> = {
  "that a cookie was left behind": forgets(({ data }) => data.includes('"epoch"')),
  "that a session was ended": forgets(({ data, cookieName, trace }) =>
    data === "{}" && cookieName === undefined && trace === undefined
  ),
  "that all sessions of a subject were ended": forgets(({ data }) => data.includes('"generation"')),
  "that a cookie was given to nobody": forgets(({ trace }) => trace !== undefined),
  "which sessions a subject has": forgets(({ cookieName }) => cookieName !== undefined),
};

/** Stores of marks that break their contract, by what they forget. */
export const BROKEN_MARKS: readonly (readonly [name: string, open: OpenStore])[] = Object
  .entries(MARK_BUGS).map(([name, bug]) => [
    name,
    (world) => {
      const map = new MapStore({ clock: world.clock, maxEntries: Infinity });
      return { ...membersOf(map), ...bug(map, world) };
    },
  ]);

/** Cookie stores that break their contract, by what is wrong with them. */
export const BROKEN_COOKIES: Readonly<Record<string, SessionBug>> = {
  "a copy outlives a new token when something was written with it": {
    cookies(store, blind) {
      /** The version of each session when its token was left behind. */
      const versions = new Map<string, number>();
      return {
        async read(token, c, signal) {
          const record = await store.read(token, c, signal);
          const copy = await blind.read(token, c, signal);
          const isLater = copy && copy.version >= (versions.get(copy.sid) ?? Infinity);
          return record?.trace && isLater ? copy : record;
        },
        replace(token, next, previous, c, signal) {
          versions.set(previous.sid, next.record.version);
          return store.replace(token, next, previous, c, signal);
        },
      };
    },
  },
  "a copy of a cookie is not looked for among those that have ended": {
    cookies: (_, blind) => ({ read: (token, c, signal) => blind.read(token, c, signal) }),
  },
  "data of another cookie are shown": {
    cookies(store) {
      const data = new Map<string, string>();
      return {
        async read(token, c, signal) {
          const record = await store.read(token, c, signal);
          if (!record || record.trace) return record;
          return { ...record, data: data.get(record.sid) ?? record.data };
        },
        update(token, record, previous, c, signal) {
          data.set(record.sid, record.data);
          return store.update(token, record, previous, c, signal);
        },
      };
    },
  },
};

/** Sessions that break the contract, by what is wrong with them. */
export const BROKEN_SESSIONS: Readonly<Record<string, SessionBug>> = {
  "discard() does nothing": { discard() {} },
  "discard() keeps what is flashed": {
    discard(session) {
      const { notice } = session;
      session.discard();
      if (notice !== undefined) session.flash("notice", notice);
    },
  },
  "discard() renews": {
    discard(session) {
      session.discard();
      session.renew();
    },
  },
  "discard() undoes an increment": {
    discard(session) {
      session.discard();
      if ("count" in session) delete session.count;
    },
  },
  "discard() ends the session": {
    discard: (session) => session.destroy(),
  },
  "an answer of 403 drops what was changed": {
    refusing: (session) => session.discard(),
  },
  "an image consumes what was flashed": {
    isBlind: true,
  },
  "an answer of 500 keeps what was changed": {
    options: { commitOnError: true },
  },
};

/** A store that answers some writes as done, and forgets them. */
function forgets(isForgotten: (record: SessionRecord) => boolean): Bug {
  return (map) => ({
    create: (key, record) => isForgotten(record) || map.create(key, record),
    update: (key, record, previous) => isForgotten(record) || map.update(key, record, previous),
  });
}

function withConfirmed({ confirmed }: SessionRecord): Partial<SessionRecord> {
  return confirmed === undefined ? {} : { confirmed };
}

function overwrite(map: MapStore, key: string, record: SessionRecord): boolean {
  const present = map.read(key);
  return present !== undefined && map.update(key, record, present);
}

function withLeft(next: StoreReplacement, change: Partial<SessionRecord>): StoreReplacement {
  const { left } = next;
  return left?.trace === "rotated" ? { ...next, left: { ...left, ...change } } : next;
}

function withoutLeft(next: StoreReplacement, trace: Trace): StoreReplacement {
  const { key, record, left } = next;
  return left?.trace === trace ? { key, record } : next;
}

function membersOf(map: MapStore): SessionStore {
  return {
    capabilities: map.capabilities,
    read: (key) => map.read(key),
    create: (key, record) => map.create(key, record),
    update: (key, record, previous) => map.update(key, record, previous),
    replace: (key, next, previous) => map.replace(key, next, previous),
    touch: (key, times, previous) => map.touch(key, times, previous),
    delete: (key) => map.delete(key),
    list: (subject) => map.list(subject),
    generation: (subject) => map.generation(subject),
    deleteAll: (subject, options) => map.deleteAll(subject, options),
  };
}
