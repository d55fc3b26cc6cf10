import {
  createSessions,
  type SessionManager,
  type SessionOptions,
  type SessionStore,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Hono } from "hono";
import { FakeClock } from "../_support/clock.ts";
import { everyOrder, Turnstile } from "../_support/interleave.ts";

const DAY = 86400;
const OLD = "old=a-token-of-the-other-library";
const ADA = "user:ada";

interface Data {
  visits?: number;
}

/** Makes the store of a scene out of a sound one. */
type Break = (store: MapStore) => SessionStore;

const sound: Break = (store) => store;

/** An application in a process of its own. */
interface Process {
  sessions: SessionManager<Data>;
  /** Answers who the client is, and its cookie if it was given one. */
  ask(path: string, cookie: string): Promise<{ who: string; cookie: string | undefined }>;
}

/** A database, and the processes that share it. */
class Scene {
  readonly clock = new FakeClock();
  readonly turnstile = new Turnstile();
  readonly store: SessionStore;
  /** How often a session was created for its cookie. */
  created = 0;

  constructor(breaks: Break = sound) {
    this.store = breaks(new MapStore({ clock: this.clock.now, maxEntries: Infinity }));
  }

  start(store: SessionStore = this.store, options: SessionOptions<Data> = {}): Process {
    const { clock } = this;
    const sessions = createSessions<Data>({
      store,
      clock: clock.now,
      logger: { error() {}, warn() {} },
      ...options,
      events: { created: () => void this.created++ },
      adopt: {
        cookie: "old",
        until: new Date(clock.now() + 30 * DAY * 1000),
        read: (value) => value === "unknown" ? undefined : { data: {}, subject: ADA },
      },
    });
    const app = new Hono()
      .use(sessions.middleware())
      .get("/me", (c) => c.text(c.var.session.subject ?? "nobody"))
      .get("/visit", (c) => {
        if (c.var.session.subject) c.var.session.visits = (c.var.session.visits ?? 0) + 1;
        return c.text(c.var.session.subject ?? "nobody");
      })
      .get("/logout", (c) => {
        c.var.session.destroy();
        return c.text("nobody");
      });
    return {
      sessions,
      async ask(path, cookie) {
        const response = await app.request(path, { headers: { cookie } });
        const sent = response.headers.getSetCookie().map((line) => line.split(";")[0]!);
        const who = response.status === 200 ? await response.text() : `${response.status}`;
        return { who, cookie: sent.find((pair) => /^sid=./.test(pair)) };
      },
    };
  }

  /** A process whose steps wait for their turn. */
  startInTurn(task: string, options?: SessionOptions<Data>): Process {
    return this.start(this.turnstile.guard(this.store, task), options);
  }
}

/** Two first requests at the same time, in processes of their own. */
async function bothAdopt(
  breaks?: Break,
  { switches, ...options }: SessionOptions<Data> & { switches?: number } = {},
): Promise<number> {
  return await everyOrder(async (choose) => {
    const scene = new Scene(breaks);
    const answers: Awaited<ReturnType<Process["ask"]>>[] = [];
    const ask = (task: string) => {
      const { ask } = scene.startInTurn(task, options);
      return async () => void answers.push(await ask("/me", OLD));
    };
    await scene.turnstile.run({ one: ask("one"), other: ask("other") }, choose);
    assertEquals(answers.map(({ who }) => who), [ADA, ADA]);
    const [one, other] = answers;
    assert(one!.cookie);
    assertEquals(one!.cookie, other!.cookie);
    const { sessions, ask: later } = scene.start();
    assertEquals((await later("/me", one!.cookie)).who, ADA);
    assertEquals([await sessions.count(ADA), scene.created], [1, 1]);
  }, switches);
}

/** A logout with the new cookie, while another request comes with the old one: the first answer had not arrived there. */
async function logsOut(breaks?: Break): Promise<number> {
  return await everyOrder(async (choose) => {
    const scene = new Scene(breaks);
    const { cookie } = await scene.start().ask("/me", OLD);
    const [one, other] = [scene.startInTurn("one"), scene.startInTurn("other")];
    await scene.turnstile.run({
      one: () => one.ask("/logout", cookie!),
      other: () => other.ask("/visit", OLD),
    }, choose);
    const { sessions, ask } = scene.start();
    for (let days = 0; days < 29; days += 7) {
      for (const each of [cookie!, OLD]) assertEquals((await ask("/me", each)).who, "nobody");
      scene.clock.advance(7 * DAY);
    }
    assertEquals(await sessions.count(ADA), 0);
  });
}

/** All sessions of the user are ended while one is adopted. */
async function revokesAll(breaks?: Break): Promise<number> {
  return await everyOrder(async (choose) => {
    const scene = new Scene(breaks);
    const [one, other] = [scene.startInTurn("one"), scene.startInTurn("other")];
    const given: (string | undefined)[] = [];
    await scene.turnstile.run({
      one: () => one.sessions.revokeAll(ADA),
      other: async () => void given.push((await other.ask("/me", OLD)).cookie),
    }, choose);
    const { sessions, ask } = scene.start();
    for (const cookie of [OLD, ...given.filter((each) => each !== undefined)]) {
      assertEquals((await ask("/me", cookie)).who, "nobody");
    }
    assertEquals(await sessions.count(ADA), 0);
  });
}

Deno.test("adoption: in every order, two processes adopt one session, and both answers carry its cookie", async () => {
  assert(await bothAdopt() > 200);
  await bothAdopt(sound, { maxSessions: { limit: 1 }, switches: 2 });
});

Deno.test("adoption: in every order, the old cookie undoes no logout", async () => {
  assert(await logsOut() >= 10);
});

Deno.test("adoption: in every order, a session is not adopted once all of its user are ended", async () => {
  assert(await revokesAll() >= 15);
});

Deno.test("adoption: in every order, the old cookie and the new one are accepted while the new one comes back for the first time", async () => {
  const orders = await everyOrder(async (choose) => {
    const scene = new Scene();
    const { cookie } = await scene.start().ask("/me", OLD);
    const [one, other] = [scene.startInTurn("one"), scene.startInTurn("other")];
    const answers: string[] = [];
    await scene.turnstile.run({
      one: async () => void answers.push((await one.ask("/visit", cookie!)).who),
      other: async () => void answers.push((await other.ask("/visit", OLD)).who),
    }, choose);
    assertEquals(answers, [ADA, ADA]);
    const { ask } = scene.start();
    for (const each of [cookie!, OLD]) assertEquals((await ask("/me", each)).who, ADA);
    scene.clock.advance(30);
    assertEquals((await ask("/me", OLD)).who, "nobody");
    assertEquals((await ask("/me", cookie!)).who, ADA);
  });
  assert(orders > 20);
});

Deno.test("adoption: a process that dies after any step leaves the session to the next one", async () => {
  for (let last = 0; last < 6; last++) {
    const scene = new Scene();
    let steps = 0;
    const dying = new Proxy(scene.store, {
      get(store, name) {
        const member: unknown = Reflect.get(store, name, store);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) =>
          steps++ >= last ? new Promise(() => {}) : Reflect.apply(member, store, args);
      },
    });
    const dead = scene.start(dying, { storeTimeout: 0.01 });
    assert(["503", ADA].includes((await dead.ask("/me", OLD)).who));
    const { sessions, ask } = scene.start();
    const { who, cookie } = await ask("/me", OLD);
    assertEquals([who, (await ask("/me", cookie!)).who], [ADA, ADA], `after ${last} steps`);
    assertEquals(await sessions.count(ADA), 1);
  }
});

/** Stores that break one promise each, and the scene that finds it. */
const PLANTED: Record<string, () => Promise<unknown>> = {
  "create() overwrites": () =>
    bothAdopt((store) =>
      changed(store, {
        create(key, record) {
          store.delete(key);
          return store.create(key, record);
        },
      })
    ),
  "replace() does not compare": () =>
    bothAdopt((store) =>
      changed(store, {
        replace(key, next) {
          const previous = store.read(key);
          return previous !== undefined && store.replace(key, next, previous);
        },
      })
    ),
  "a trace is not kept": () =>
    logsOut((store) =>
      changed(store, {
        read(key) {
          const record = store.read(key);
          return record?.trace === "adopted" ? undefined : record;
        },
        create(key, record) {
          store.delete(key);
          return store.create(key, record);
        },
      })
    ),
  "the end of all sessions of a user leaves no mark": () =>
    revokesAll((store) =>
      changed(store, {
        create: (key, record) => record.trace === "ended" || store.create(key, record),
      })
    ),
};

for (const [bug, scene] of Object.entries(PLANTED)) {
  Deno.test(`adoption: a planted fault is found: ${bug}`, async () => {
    await assertRejects(scene);
  });
}

function changed(store: MapStore, changes: Partial<SessionStore>): SessionStore {
  return new Proxy<SessionStore>(store, {
    get(target, name) {
      const member: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/** What may happen to a user of whom there is an old cookie. */
const event = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("visit"), lost: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait"), days: fc.nat(4) }) },
  fc.record({ do: fc.constant("logout"), lost: fc.boolean() }),
  fc.record({ do: fc.constant("revoke") }),
);

Deno.test("adoption: random lives of an old cookie go as a plain model says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 12 }), fc.boolean(), async (events, sends) => {
      const scene = new Scene();
      const processes = [scene.start(), scene.start()];
      let held = OLD;
      // What the model knows: whether the session has ended, when it began, and the day.
      let isOver = false;
      let begunOn: number | undefined;
      let day = 0;
      for (const [at, each] of events.entries()) {
        const { ask, sessions } = processes[at % 2]!;
        if ("days" in each) {
          scene.clock.advance(each.days * DAY);
          day += each.days;
          continue;
        }
        if (begunOn !== undefined && day > begunOn) isOver = true;
        const isFirst = held === OLD && begunOn === undefined;
        const isIn = !isOver && (begunOn !== undefined || isFirst && day < 30);
        if (each.do === "revoke") {
          await sessions.revokeAll(ADA);
          isOver = true;
          continue;
        }
        const cookies = sends && held !== OLD ? `${held}; ${OLD}` : held;
        const { who, cookie } = await ask(each.do === "visit" ? "/visit" : "/logout", cookies);
        if (each.do === "visit") assertEquals(who, isIn ? ADA : "nobody");
        if (isIn && begunOn === undefined) begunOn = day;
        if (each.do === "logout" && isIn) isOver = true;
        if (cookie && "lost" in each && !each.lost) held = cookie;
      }
      assert(scene.created <= 1);
    }),
    { numRuns: Number(Deno.env.get("HONO_SESSION_RUNS") ?? 500) },
  );
});
