import type { SessionRecord, SessionStore } from "@x/hono-session";
import { assertEquals, assertNotEquals } from "@std/assert";
import { Client } from "../_support/client.ts";
import type { SceneTest } from "./_suite.ts";

const DEEP = `${'{"a":['.repeat(150)}1${"]}".repeat(150)}`;

/** Stored texts that are JSON, and what no session can hold. */
const UNFIT: Record<string, Partial<Pick<SessionRecord, "data" | "flash">>> = {
  "a number that is too large": { data: '{"name":"Ada","a":1e999}' },
  "one that is too small": { data: '{"a":[{"b":-1E+400}]}' },
  "one of many digits": { data: `{"a":1${"0".repeat(400)}}` },
  "300 levels": { data: `{"name":"Ada","cart":${DEEP}}` },
  "flashed numbers that are too large": { flash: '{"notice":[1e999]}' },
  "300 flashed levels": { flash: `{"notice":${DEEP}}` },
};

/** Looks like them, and is fine. */
const FIT = `{"a":1e100,"b":1.7e308,"name":"1e999","cart":${"[".repeat(199)}${"]".repeat(199)}}`;

/** A store that holds something else than it is given by an operation. */
function planting(
  store: SessionStore,
  { on = "create", ...texts }: Partial<SessionRecord> & { on?: "create" | "update" },
): SessionStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === "forCookie") {
        return (cookieName: string) => planting(target.forCookie!(cookieName), { on, ...texts });
      }
      const member = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (name === on) args[1] = { ...args[1] as SessionRecord, ...texts };
        return Reflect.apply(member, target, args);
      };
    },
  });
}

/** What lies in a store and no session can hold is nobody's, and keeps nobody from anything. */
export function unfitRecords(test: SceneTest): void {
  for (const [what, texts] of Object.entries(UNFIT)) {
    test(`${what} in a store: nobody's session, and its visitor can begin another one`, async ({ makeApp, watch, stateless }) => {
      const planted = makeApp({ store: planting(watch, texts) });
      const reasons: string[] = [];
      const app = makeApp({ events: { rejected: ({ reason }) => reasons.push(reason) } });
      const before = await new Client(planted).fetch("/set/name/%22Eve%22");
      const cookie = before.headers.getSetCookie()[0]!.split(";")[0]!;
      const read = await app.request("/read", { headers: { cookie } });
      assertEquals([read.status, await read.json()], [200, {}]);
      // The check of the unsigned store refuses it.
      assertEquals(reasons, [stateless && reasons[0] === "unknown" ? "unknown" : "invalid"]);
      const set = await app.request("/set/name/%22Ada%22", { headers: { cookie } });
      assertEquals([set.status, await set.text()], [200, "true"]);
      const after = set.headers.getSetCookie()[0]!.split(";")[0]!;
      assertNotEquals(after, cookie);
      const again = await app.request("/read", { headers: { cookie: after } });
      assertEquals(await again.json(), { name: "Ada" });
    });
  }

  test("what no session can hold, written by another request, ends the session of this one", async ({ makeApp, watch, gate, atomic, stateless }) => {
    if (!atomic || stateless) return;
    const events: string[] = [];
    const app = makeApp({
      events: {
        interrupted: () => events.push("interrupted"),
        rejected: ({ reason }) => events.push(reason),
      },
    });
    const client = new Client(app);
    await client.text("/set/name/%22Ada%22");
    const slow = client.fetch("/slow/set/a/1");
    await gate.arrived();
    const planted = makeApp({ store: planting(watch, { on: "update", data: '{"a":1e999}' }) });
    await planted.request("/set/b/2", { headers: { cookie: await client.cookie() } });
    gate.open();
    const response = await slow;
    assertEquals([response.status, response.headers.getSetCookie()], [202, []]);
    assertEquals(events, ["interrupted"]);
    assertEquals(await client.json("/read"), {});
    assertEquals(events, ["interrupted", "invalid"]);
  });

  test("what only looks as if no session could hold it is held", async ({ makeApp, watch }) => {
    const planted = makeApp({ store: planting(watch, { data: FIT }) });
    const client = new Client(planted);
    await client.text("/set/name/%22Eve%22");
    assertEquals(await client.json("/read"), JSON.parse(FIT));
    assertEquals(await client.json("/set/a/2"), true);
    assertEquals(await client.json("/read"), { ...JSON.parse(FIT), a: 2 });
  });
}
