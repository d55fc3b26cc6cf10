import { createSessions, type SessionStore } from "@x/hono-session";
import { type CookieStore, Revocations } from "@x/hono-session/stores/cookie";
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { AUTHENTICATED_STORES } from "../_support/cookie_stores.ts";
import { Gate } from "../_support/gate.ts";
import { makeRecord } from "../_support/record.ts";
import { withSameCookie } from "../_support/same_cookie.ts";

const DAY = 86_400;

export interface CookieCopiesSuite {
  /** The store on the server that remembers what has ended. */
  readonly name: string;
  open(clock: () => number): { store: SessionStore; close?(): Promise<void> };
  /** Whether that store lists the sessions of subjects; `true` unless told otherwise. */
  readonly index?: boolean;
  readonly test?: (name: string, run: () => Promise<void>) => void;
}

interface Scene extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly store: CookieStore;
  readonly sessions: ReturnType<typeof createSessions<{ name?: string }>>;
  readonly app: Pick<Hono, "fetch">;
  readonly other: Pick<Hono, "fetch">;
  readonly gate: Gate;
}

/** What leaves a cookie behind, and whether its session goes on under another one. */
const LEAVES: Record<
  string,
  { goesOn?: boolean; index?: boolean; run(user: Client, scene: Scene): Promise<unknown> }
> = {
  "regenerate()": { goesOn: true, run: (user) => user.text("/regenerate") },
  "another subject": { goesOn: true, run: (user) => user.text("/subject/eve") },
  "no subject any more": { goesOn: true, run: (user) => user.text("/nobody") },
  "another subject with a new token": { goesOn: true, run: (user) => user.text("/regenerate/eve") },
  "a logout": { run: (user) => user.text("/logout") },
  "revoke()": {
    index: true,
    async run(user, { sessions }) {
      assertEquals(await sessions.revoke("ada", await user.text("/sid")), true);
    },
  },
  "revokeAll()": {
    run: (_user, { clock, store }) => {
      clock.advance(1);
      return store.deleteAll("ada", {});
    },
  },
};

/** What holds of copies of cookies, for every cookie store that has `revocations`. */
export function cookieCopies(suite: CookieCopiesSuite): void {
  const { index = true } = suite;
  const leaves = Object.entries(LEAVES).filter(([, leave]) => index || !leave.index);
  for (const [name, make] of Object.entries(AUTHENTICATED_STORES)) {
    const test = (what: string, run: (scene: Scene) => Promise<void>) =>
      (suite.test ?? Deno.test)(`${name} with revocations in ${suite.name}: ${what}`, async () => {
        await using scene = setup(suite, make);
        await run(scene);
      });

    for (const [leave, { goesOn, run }] of leaves) {
      test(`${leave} kills every copy, whatever was written with it`, async (scene) => {
        const user = new Client(scene.app);
        await user.text("/login/ada/Ada");
        const sid = await user.text("/sid");
        const thief = await user.thief();
        const copies = [await user.thief()];
        for (const each of ["one", "two", "three"]) {
          await thief.text(`/set/${each}`);
          copies.push(await thief.thief());
        }
        await thief.text("/renew/7200");
        copies.push(thief);
        assertEquals(await thief.json("/read"), "three", "a copy is as good as the cookie");
        const slow = copies[2]!.fetch("/slow/late");
        await scene.gate.arrived();

        await run(user, scene);
        for (const copy of copies) assertEquals(await copy.json("/read"), null);
        assertEquals(await user.json("/read"), goesOn ? "Ada" : null);
        if (goesOn) assertEquals(await user.text("/sid"), sid);

        scene.gate.open();
        assertEquals((await slow).headers.getSetCookie(), [], "nor does a request under way go on");
        assertEquals(await copies[2]!.json("/read"), null);
        await user.text("/set/again");
        assertEquals(await user.json("/read"), "again");
      });

      test(`${leave} kills copies for as long as they could live`, async (scene) => {
        const { app, clock } = scene;
        const [user, bystander] = [new Client(app), new Client(app)];
        await user.text("/login/ada/Ada");
        await bystander.text("/login/bob/Bob");
        await bystander.text(`/renew/${1500 * DAY}`);
        const [young, old, thief] = [await user.thief(), await user.thief(), await user.thief()];
        // Nobody but the server knows for how long the thief has renewed his copy.
        await thief.text(`/renew/${1000 * DAY}`);
        await thief.text("/set/three");
        await old.text(`/renew/${800 * DAY}`);
        await run(user, scene);
        const copies = { young, old, thief };
        for (const days of [0, 1, 399, 1, 1, 398, 199, 1]) {
          clock.advance(days * DAY);
          for (const [which, copy] of Object.entries(copies)) {
            assertEquals(await copy.json("/read"), null, `${which}, ${days} days later`);
          }
          assertEquals(await bystander.json("/read"), "Bob", `${days} days later`);
        }
      });
    }

    test("of two holders of a cookie the first that regenerates keeps the session", async (scene) => {
      const { app, clock, sessions, store } = scene;
      const user = new Client(app);
      await user.text("/login/ada/Ada");
      const thief = await user.thief();
      await user.text("/set/first");
      await user.text("/set/second");
      await thief.text("/regenerate");
      assertEquals(await user.json("/read"), null, "the user is told by being logged out");
      assertEquals(await thief.json("/read"), "Ada");
      clock.advance(1);
      await user.text("/login/ada/Grace");
      if (index) assertEquals(await sessions.count("ada"), 2, "the thief is listed");
      clock.advance(1);
      await store.deleteAll("ada", {});
      assertEquals([await thief.json("/read"), await user.json("/read")], [null, null]);
    });

    test("of regenerations at the same time one succeeds, whatever was written before", async ({ clock, store }) => {
      for (const subject of [undefined, "ada"]) {
        const sid = crypto.randomUUID().replaceAll("-", "").slice(0, 22);
        const bound = subject === undefined ? {} : { subject, subjectAt: clock.now() };
        let record = makeRecord(clock, { sid, ...bound });
        let token = await store.create("", record);
        const copies = [{ token, record }];
        for (let writes = 0; writes < 5; writes++) {
          const next = { ...record, version: record.version + 1 };
          token = await store.update(token, next, record) as string;
          record = next;
          copies.push({ token, record });
        }
        const answers = await Promise.all(copies.map(({ token, record }) => {
          const next = { ...record, version: record.version + 1 };
          return store.replace(token, { key: "", record: next }, record);
        }));
        const [winner, ...others] = answers.filter((answer) => answer !== false);
        assertEquals(others, []);
        assertEquals((await store.read(winner!))?.sid, sid);
        for (const { token } of copies) {
          const { trace, subject: none, data } = (await store.read(token))!;
          assertEquals([trace, none, data], ["replaced", undefined, "{}"]);
        }
        await store.delete(winner!);
        for (const { token } of copies) assertEquals(await store.read(token), undefined, "ended");
      }
    });

    test("30 requests that end a session at the same time all succeed", async ({ clock, store }) => {
      const subjectAt = clock.now();
      const record = makeRecord(clock, { subject: "ada", subjectAt });
      const token = await store.create("", record);
      const times = Array.from({ length: 30 }, (_, index) => index);
      await Promise.all(times.map(() => store.delete(token)));
      assertEquals(await store.read(token), undefined);
      const other = await store.create("", { ...record, sid: "another".padEnd(22, "-") });
      await Promise.all(times.map(() => store.deleteAll("ada", {})));
      assertEquals(await store.read(other), undefined);
    });

    test("of two logins at the same time with one anonymous cookie the one that the browser keeps is logged in", async ({ app, other, gate, sessions }) => {
      for (const path of ["/slow/login/ada/Ada", "/slow/login-saved/ada/Ada"]) {
        const visitor = new Client(app);
        await visitor.text("/set/visitor");
        const first = await visitor.thief();
        const second = await withSameCookie(visitor, other);
        const answers = [first.fetch(path), second.fetch(path)];
        await gate.arrived(2);
        gate.open();
        const statuses = (await Promise.all(answers)).map(({ status }) => status);
        assertEquals(statuses, [200, 200], path);
        for (const browser of [first, second]) {
          assertEquals(await browser.json("/read"), "Ada", path);
        }
        const sids = [await first.text("/sid"), await second.text("/sid")];
        assertNotEquals(sids[0], sids[1], "each has a session of its own");
        assertEquals(await visitor.json("/read"), null, path);
      }
      if (index) assertEquals(await sessions.count("ada"), 4);
    });

    test("a login that finds its session ended by another request is refused", async ({ app, gate }) => {
      const user = new Client(app);
      await user.text("/set/visitor");
      const other = await user.thief();
      const login = other.fetch("/slow/login/ada/Ada");
      await gate.arrived();
      await user.text("/logout");
      gate.open();
      const response = await login;
      assertEquals([response.status, response.headers.getSetCookie()], [409, []]);
      assertEquals(await other.json("/read"), null);
    });

    test("an end holds although the clocks of two machines are a minute apart", async ({ clock, store }) => {
      const record = makeRecord(clock, { expiresAt: clock.now() + 400 * DAY * 1000 });
      const token = await store.create("", record);
      clock.advance(-60);
      await store.delete(token);
      clock.advance(60 + 400 * DAY - 1);
      assertEquals(await store.read(token), undefined);
      assert(clock.now() < record.expiresAt);
    });
  }
}

function setup(
  suite: CookieCopiesSuite,
  make: (typeof AUTHENTICATED_STORES)[string],
): Scene {
  const clock = new FakeClock();
  const { store: server, close } = suite.open(clock.now);
  const store = make({ revocations: new Revocations(server), clock: clock.now });
  const gate = new Gate();
  const sessions = createSessions<{ name?: string }>({ store, clock: clock.now });
  const app = makeApp(sessions, gate);
  // As on another machine.
  const other = makeApp(createSessions<{ name?: string }>({ store, clock: clock.now }), gate);
  return {
    clock,
    store,
    sessions,
    app,
    other,
    gate,
    [Symbol.asyncDispose]: async () => await close?.(),
  };
}

/** An application that does to its session what leaves a cookie behind. */
function makeApp(sessions: Scene["sessions"], gate: Gate): Pick<Hono, "fetch"> {
  return new Hono()
    .use(sessions.middleware())
    .get("/login/:subject/:name", (c) => {
      c.var.session.subject = c.req.param("subject");
      c.var.session.name = c.req.param("name");
      return c.text("welcome");
    })
    .get("/subject/:subject", (c) => {
      c.var.session.subject = c.req.param("subject");
      return c.text("changed");
    })
    .get("/nobody", (c) => {
      c.var.session.subject = undefined;
      return c.text("cleared");
    })
    .get("/regenerate/:subject?", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = c.req.param("subject") ?? c.var.session.subject;
      return c.text("regenerated");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .get("/renew/:seconds", (c) => {
      c.var.session.renew(Number(c.req.param("seconds")));
      return c.text("renewed");
    })
    .get("/set/:name", (c) => {
      c.var.session.name = c.req.param("name");
      return c.text("set");
    })
    .get("/slow/login/:subject/:name", async (c) => {
      await gate.pass();
      await c.var.session.regenerate();
      c.var.session.subject = c.req.param("subject");
      c.var.session.name = c.req.param("name");
      return c.text("welcome");
    })
    .get("/slow/login-saved/:subject/:name", async (c) => {
      await gate.pass();
      await c.var.session.regenerate();
      c.var.session.subject = c.req.param("subject");
      c.var.session.name = c.req.param("name");
      await c.var.session.save();
      return c.text("welcome");
    })
    .get("/slow/:name", async (c) => {
      await gate.pass();
      c.var.session.name = c.req.param("name");
      return c.text("slow");
    })
    .get("/sid", (c) => c.text(c.var.session.sid))
    .get("/read", (c) => c.json(c.var.session.name ?? null));
}
