import {
  backChannelLogout,
  createSessions,
  SessionEndedError,
  type SessionRecord,
  type SessionStore,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import { FakeClock } from "../_support/clock.ts";
import { everyOrder, Turnstile } from "../_support/interleave.ts";

const ISSUER = "https://id.example";
const PROVIDER = { issuer: ISSUER, sid: "one" };
const EVENTS = { "http://schemas.openid.net/event/backchannel-logout": {} };

/** What a logout token names. */
type Named = "sid" | "sub";

/** A store that breaks a promise to one task. */
interface Bug {
  login?: (map: MapStore) => Partial<SessionStore>;
  logout?: (map: MapStore, subjects: string[]) => Partial<SessionStore>;
}

interface Race {
  /** The subjects of the logins, each a task of its own. */
  logins: string[];
  named: Named;
  /** How often one task may be left for another while it could go on. */
  switches: number;
  bug?: Bug;
}

/** Lets a task do one call at a time, as the turnstile requires it. */
function oneAtATime(store: SessionStore): SessionStore {
  let last: Promise<unknown> = Promise.resolve();
  const queue = <Result>(run: () => Promise<Result>): Promise<Result> => {
    const next = last.then(run);
    last = next.catch(() => {});
    return next;
  };
  const list: SessionStore["list"] = async function* (...args) {
    yield* await queue(() => Array.fromAsync(store.list!(...args)));
  };
  return new Proxy(store, {
    get(target, name) {
      if (name === "list") return list;
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => queue(async () => await Reflect.apply(member, target, args));
    },
  });
}

/** A store with other members than a map. */
function withMembers(map: MapStore, members: Partial<SessionStore> = {}): SessionStore {
  return new Proxy<SessionStore>(map, {
    get(target, name) {
      const own = Reflect.get(members, name);
      if (own) return own;
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

function makeLogout(store: SessionStore, clock: FakeClock) {
  const sessions = createSessions({ store, clock: clock.now });
  const app = new Hono()
    .post("/", backChannelLogout({ sessions, verify: (jwt) => JSON.parse(jwt) }));
  return async (claims: object) => {
    const iat = clock.now() / 1000;
    const jwt = JSON.stringify({
      iss: ISSUER,
      jti: crypto.randomUUID(),
      iat,
      events: EVENTS,
      ...claims,
    });
    const body = new URLSearchParams({ logout_token: jwt });
    assertEquals((await app.request("/", { method: "POST", body })).status, 200);
  };
}

/** Runs logins against a logout in every order of their store calls. Returns the number of orders. */
async function race({ logins, named, switches, bug = {} }: Race): Promise<number> {
  return await everyOrder(async (choose) => {
    const clock = new FakeClock();
    const map = new MapStore({ clock: clock.now });
    const turnstile = new Turnstile();
    const guard = (task: string, members?: Partial<SessionStore>) =>
      oneAtATime(turnstile.guard(withMembers(map, members), task));
    const refused = new Set<string>();
    const login = (subject: string) => async () => {
      const store = guard(subject, bug.login?.(map));
      try {
        await createSessions({ store, clock: clock.now }).create({}, {
          subject,
          provider: PROVIDER,
        });
      } catch (error) {
        assert(error instanceof SessionEndedError, String(error));
        refused.add(subject);
      }
    };
    const logout = makeLogout(guard("logout", bug.logout?.(map, logins)), clock);
    const claims = (subject: string) => named === "sid" ? { sid: PROVIDER.sid } : { sub: subject };
    const tasks = Object.fromEntries(logins.map((subject) => [subject, login(subject)]));
    await turnstile.run({ ...tasks, logout: () => logout(claims(logins[0]!)) }, choose);

    const { calls } = turnstile;
    try {
      const sessions = createSessions({ store: map, clock: clock.now });
      const marked = calls.findIndex((call) => /^logout: (create|update)$/.test(call));
      const concerned = named === "sid" ? logins : logins.slice(0, 1);
      for (const subject of concerned) {
        const isAlive = await sessions.count(subject) > 0;
        // It reads the mark of the sid first, then that of the sub.
        const first = calls.indexOf(`${subject}: read`);
        const began = named === "sid" ? first : calls.indexOf(`${subject}: read`, first + 1);
        if (refused.has(subject)) assert(!isAlive, `${subject} was refused`);
        if (isAlive) assert(marked < began, `${subject} is alive`);
        if (calls.lastIndexOf("logout: create") < calls.indexOf(`${subject}: generation`)) {
          assert(isAlive, `${subject} has logged in later`);
        }
      }
      const again = makeLogout(map, clock);
      for (const subject of concerned) {
        await again(claims(subject));
        assertEquals(await sessions.count(subject), 0, `${subject} is found later`);
      }
    } catch (error) {
      throw new Error(`in this order:\n${calls.join("\n")}`, { cause: error });
    }
  }, switches);
}

for (const named of ["sid", "sub"] as const) {
  Deno.test(`a login against a logout token with a ${named}, in every order of their store calls`, async () => {
    const orders = await race({ logins: ["ada"], named, switches: 4 });
    assert(orders > 300, `${orders} orders`);
  });
}

Deno.test("two logins from one session of the provider against its logout", async () => {
  const orders = await race({ logins: ["ada", "eve"], named: "sid", switches: 2 });
  assert(orders > 300, `${orders} orders`);
});

const isMark = ({ trace }: SessionRecord) => trace !== undefined;

/** What the orders have to find. */
const BUGS: Record<string, Bug & Pick<Race, "logins">> = {
  "a login that reads no end after it is stored": {
    logins: ["ada"],
    login(map) {
      let isStored = false;
      return {
        create(key, record) {
          isStored ||= !isMark(record);
          return map.create(key, record);
        },
        read: (key) => isStored ? undefined : map.read(key),
      };
    },
  },
  "marks that are overwritten without a look at their version": {
    logins: ["ada", "eve"],
    login: (map) => ({
      update: (key, record) => map.update(key, record, map.read(key)!),
    }),
  },
  "marks that are never written": {
    logins: ["ada"],
    login: (map) => ({ create: (key, record) => isMark(record) || map.create(key, record) }),
  },
  "an end that is not remembered": {
    logins: ["ada"],
    logout: () => ({ create: () => true, update: () => true }),
  },
  "a logout that looks for sessions before it leaves its mark": {
    logins: ["ada"],
    logout(map, subjects) {
      const seen = subjects.map((subject) => Array.fromAsync(map.list(subject)));
      return {
        async *list() {
          yield* await seen[0]!;
        },
      };
    },
  },
};

for (const [name, bug] of Object.entries(BUGS)) {
  Deno.test(`planted in the store, it is found: ${name}`, async () => {
    await assertRejects(
      () => race({ ...bug, bug, named: "sid", switches: 2 }),
      Error,
      "in this order",
    );
  });
}

for (
  const data of [
    "{}",
    '{"end":"never","subjects":"everybody"}',
    '{"end":null,"subjects":null}',
    "[]",
    "{",
  ]
) {
  Deno.test(`a mark that is damaged refuses no login, and the next logout mends it: ${data}`, async () => {
    const clock = new FakeClock();
    const map = new MapStore({ clock: clock.now });
    const store = withMembers(map, {
      async read(key) {
        const record = await map.read(key);
        return record?.trace === "ended" && isDamaged ? { ...record, data } : record;
      },
    });
    const sessions = createSessions({ store, clock: clock.now });
    const logIn = () => sessions.create({}, { subject: "ada", provider: PROVIDER });
    let isDamaged = false;
    await logIn();
    isDamaged = true;
    await logIn();
    assertEquals(await sessions.count("ada"), 2);
    isDamaged = false;
    await makeLogout(store, clock)({ sid: PROVIDER.sid, sub: "ada" });
    assertEquals(await sessions.count("ada"), 0);
  });
}
