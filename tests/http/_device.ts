import { assertEquals, assertNotEquals } from "@std/assert";
import type { SessionOptions } from "@x/hono-session";
import type { Client } from "../_support/client.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { Browser, challengeOf, DeviceKey, registrationOf, SETTLED } from "../_support/device.ts";
import type { Data } from "./_app.ts";
import type { Scene, SceneTest } from "./_suite.ts";

const OPTIONS: SessionOptions<Data> = {
  secret: SECRET,
  device: true,
  logger: { error() {}, warn() {} },
};

/** The store fails in every way that it can, while a browser binds or proves. */
const OUTAGES = [
  ["read", "fail"],
  ["read", "late"],
  ["read", "hang"],
  ["read", "tear"],
  ["update", "fail"],
  ["update", "hang"],
] as const;

/** Sessions that are bound to a device. */
export function devices(test: SceneTest, { atomic }: { atomic: boolean }): void {
  async function setup(
    { makeApp, clock }: Scene,
    options: SessionOptions<Data> = {},
  ): Promise<Browser> {
    const browser = await Browser.open(makeApp({ ...OPTIONS, ...options }));
    await (await browser.login("/login/Ada")).body?.cancel();
    clock.advance(SETTLED);
    assertEquals((await browser.refresh()).status, 200);
    return browser;
  }

  test("a session is bound after a login and goes on as long as its browser proves its device", async (scene) => {
    const { clock } = scene;
    const browser = await setup(scene);
    await browser.text("/set/count/0");
    for (let times = 0; times < 3; times++) {
      clock.advance(599);
      assertEquals(await browser.json("/read"), { name: "Ada", count: times });
      clock.advance(2);
      assertEquals(await browser.json("/read"), {});
      assertEquals((await browser.refresh()).status, 200);
      assertEquals(await browser.json(`/set/count/${times + 1}`), true);
    }
  });

  test("a copied session cookie is nobody's, both cookies are until the proof runs out", async (scene) => {
    const { clock, records } = scene;
    const rejected: unknown[] = [];
    const browser = await setup(scene, { events: { rejected: (event) => rejected.push(event) } });
    const [before] = await records();
    const thief = await browser.thief();
    const alone = await cookieWithout(browser, "sid-device");
    await isNobody(browser, {
      headers: { cookie: alone, "secure-session-skipped": "unreachable" },
    });
    assertEquals(rejected.splice(0), [
      { reason: "device", sid: before!.sid, skipped: "unreachable" },
    ]);
    assertEquals(await thief.json("/read"), { name: "Ada" });
    clock.advance(601);
    await isNobody(thief);
    assertEquals(rejected, [{ reason: "device", sid: before!.sid }]);
    assertEquals(await records(), [before]);
  });

  test("a bound session without a proof can't be changed, and no cookie is sent", async (scene) => {
    const { records, watch } = scene;
    const browser = await setup(scene, { rolling: { after: 1 } });
    scene.clock.advance(2);
    const [before] = await records();
    const headers = { cookie: await cookieWithout(browser, "sid-device") };
    watch.calls();
    for (const path of ["/set/count/1", "/logout", "/renew", "/flash", "/increment", "/switch"]) {
      scene.gate.open();
      const response = await browser.fetch(path, { headers });
      // The application answers errors by itself.
      assertEquals([response.status, response.headers.getSetCookie()], [500, []], path);
      await response.body?.cancel();
      assertEquals(watch.calls(), ["read"], path);
    }
    assertEquals(await records(), [before]);
  });

  test("whoever logs in without the proof of a bound session begins another one", async (scene) => {
    for (const path of ["/login/Bob", "/start"]) {
      const browser = await setup(scene);
      const [before] = await scene.records();
      const headers = { cookie: await cookieWithout(browser, "sid-device") };
      const login = await browser.fetch(path, { headers });
      await login.body?.cancel();
      assertNotEquals(registrationOf(login), undefined);
      const sids = (await scene.records()).map(({ sid }) => sid);
      assertEquals([sids.length > 1, sids.includes(before!.sid)], [true, true]);
      assertEquals(await browser.json("/read"), { name: path === "/start" ? "started" : "Bob" });
    }
  });

  test("a registration takes place once, and not over a bound session", async (scene) => {
    const { makeApp, records } = scene;
    const browser = await Browser.open(makeApp(OPTIONS));
    const asked = registrationOf(await browser.fetch("/login/Ada"))!;
    assertEquals((await browser.register(asked)).status, 200);
    const [before] = await records();
    const thief = await DeviceKey.make();
    const registering = { "secure-session-response": await thief.register(asked.challenge) };
    assertEquals((await browser.post(asked.path, registering)).status, 409);
    assertEquals((await browser.register(asked)).status, 409);
    assertEquals(await records(), [before]);
    assertEquals(await browser.json("/read"), { name: "Ada" });
    await browser.text("/regenerate");
    assertEquals((await browser.post(asked.path, registering)).status, 404);
    await browser.text("/logout");
    assertEquals((await browser.post(asked.path, registering)).status, 404);
  });

  test("a proof is accepted once, and only for the session and the challenge that it is for", async (scene) => {
    const { clock, records } = scene;
    const browser = await setup(scene);
    const other = await setup(scene);
    const before = await records();
    const used = browser.challenge!;
    const proofs = {
      unsigned: (await browser.key.refresh(used)).replace(/[^.]+$/, "AA"),
      "of another key": await other.key.refresh(used),
      "of another session": await browser.key.refresh(other.challenge!),
      "without challenge": await browser.key.refresh(""),
      "of no algorithm": await browser.key.refresh(used, { alg: "none" }),
      "with another key in it": await other.key.refresh(used, { jwk: other.key.jwk }),
    };
    for (const [what, proof] of Object.entries(proofs)) {
      const answer = await proveWith(browser, proof);
      assertEquals([answer.status, answer.headers.getSetCookie()], [403, []], what);
      challengeOf(answer);
    }
    assertEquals(await records(), before);
    assertEquals((await browser.prove(used)).status, 200);
    assertEquals((await browser.prove(used)).status, 403);
    const later = browser.challenge!;
    clock.advance(661);
    assertEquals((await browser.prove(later)).status, 403);
    assertEquals((await browser.refresh()).status, 200);
  });

  test("eight proofs of one challenge at the same time are accepted once", async (scene) => {
    if (!atomic) return;
    const browser = await setup(scene);
    const proof = await browser.key.refresh(browser.challenge!);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => proveWith(browser, proof)),
    );
    assertEquals(answers.filter(({ status }) => status === 200).length, 1);
    assertEquals(answers.filter(({ status }) => status === 403).length, 7);
  });

  test("a new token asks to bind anew, and the former reference is of no use", async (scene) => {
    const browser = await setup(scene);
    const response = await browser.fetch("/login/Bob");
    const asked = registrationOf(response)!;
    assertEquals(await browser.json("/read"), { name: "Bob" });
    assertEquals((await browser.refresh()).status, 404);
    assertEquals((await browser.register(asked)).status, 200);
    scene.clock.advance(SETTLED);
    const headers = { cookie: await cookieWithout(browser, "sid-device") };
    assertEquals(await browser.json("/read", { headers }), {});
    assertEquals(await browser.json("/read"), { name: "Bob" });
  });

  test("a logout expires both cookies, and the browser is told to forget its key", async (scene) => {
    const browser = await setup(scene);
    const response = await browser.fetch("/logout");
    assertEquals(response.headers.getSetCookie().map((line) => line.split(";")[0]), [
      "sid=",
      "sid-device=",
    ]);
    assertEquals(await browser.cookie(), "");
    assertEquals((await browser.refresh()).status, 404);
  });

  test("the budget of store calls of a bound session is that of every session, and a proof costs one write", async (scene) => {
    const { watch } = scene;
    const browser = await setup(scene);
    watch.calls();
    await browser.json("/read");
    assertEquals(watch.calls(), ["read"]);
    await browser.json("/set/count/1");
    assertEquals(watch.calls(), ["read", "update"]);
    await browser.refresh();
    assertEquals(watch.calls(), ["read", "update"]);
    await browser.prove(undefined);
    assertEquals(watch.calls(), ["read"]);
  });

  test("a change at the same time loses neither itself nor the binding", async (scene) => {
    if (!atomic) return;
    const { gate, makeApp } = scene;
    const browser = await Browser.open(makeApp(OPTIONS));
    const asked = registrationOf(await browser.fetch("/login/Ada"))!;
    const changing = browser.text("/slow/set/count/1");
    await gate.arrived();
    assertEquals((await browser.register(asked)).status, 200);
    const again = browser.text("/slow/set/a/1");
    await gate.arrived(2);
    assertEquals((await browser.refresh()).status, 200);
    gate.open();
    await Promise.all([changing, again]);
    assertEquals(await browser.json("/read"), { name: "Ada", count: 1, a: 1 });
    scene.clock.advance(SETTLED);
    const headers = { cookie: await cookieWithout(browser, "sid-device") };
    assertEquals(await browser.json("/read", { headers }), {});
    assertEquals((await browser.refresh()).status, 200);
  });

  for (const [operation, fault] of OUTAGES) {
    test(`an outage (${operation}: ${fault}) neither binds nor unbinds`, async (scene) => {
      const { makeApp, watch, clock } = scene;
      const app = makeApp(OPTIONS);
      const impatient = fault === "hang" ? makeApp({ ...OPTIONS, storeTimeout: 0.1 }) : app;
      let isFailing = false;
      const browser = await Browser.open({
        fetch: (request) => (isFailing ? impatient : app).fetch(request),
      });
      const fail = (fails: boolean) => {
        isFailing = fails;
        if (fails) watch.inject(operation, fault);
        else watch.heal();
      };
      const asked = registrationOf(await browser.fetch("/login/Ada"))!;
      const connection = setInterval(() => {}, 1000);
      fail(true);
      const refused = await browser.register(asked);
      assertEquals([refused.status, refused.headers.getSetCookie()], [503, []]);
      fail(false);
      assertEquals((await browser.register(asked)).status, 200);
      clock.advance(601);
      fail(true);
      for (let times = 0; times < 12; times++) {
        const answer = await browser.prove(browser.challenge);
        assertEquals([answer.status, answer.headers.getSetCookie()], [503, []]);
        if (fault === "hang") break;
      }
      fail(false);
      clearInterval(connection);
      assertEquals((await browser.refresh()).status, 200);
      assertEquals(await browser.json("/read"), { name: "Ada" });
    });
  }

  for (const fault of ["late", "deny"] as const) {
    test(`a write whose answer is lost (${fault}) binds and proves all the same`, async (scene) => {
      const { makeApp, watch } = scene;
      const browser = await Browser.open(makeApp(OPTIONS));
      const asked = registrationOf(await browser.fetch("/login/Ada"))!;
      watch.inject("update", fault, 1);
      assertEquals((await browser.register(asked)).status, 200);
      watch.inject("update", fault, 1);
      assertEquals((await browser.prove(browser.challenge)).status, 200);
      assertEquals(await browser.json("/read"), { name: "Ada" });
    });
  }
}

async function proveWith(browser: Browser, proof: string): Promise<Response> {
  const { refresh_url, session_identifier } = browser.instructions!;
  return await browser.post(refresh_url, {
    "sec-secure-session-id": session_identifier,
    "secure-session-response": proof,
  });
}

/** Returns the cookies of a client without one of them. */
async function cookieWithout(client: Client, name: string): Promise<string> {
  const pairs = (await client.cookie()).split("; ");
  return pairs.filter((pair) => !pair.startsWith(`${name}=`)).join("; ");
}

async function isNobody(client: Client, init?: RequestInit): Promise<void> {
  const response = await client.fetch("/read", init);
  assertEquals(await response.json(), {});
  assertEquals(response.headers.getSetCookie(), []);
}
