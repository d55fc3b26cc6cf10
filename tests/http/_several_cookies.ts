import { assertEquals } from "@std/assert";
import { Client } from "../_support/client.ts";
import type { SceneTest } from "./_suite.ts";

/** What of several cookies of the name counts: a browser sends one for each domain and path that it knows of. */
export function severalCookies(test: SceneTest): void {
  test("of several cookies the newest session counts, in whatever order they come", async ({ makeApp, clock }) => {
    const app = makeApp();
    const values: string[] = [];
    for (const name of ["older", "newer"]) {
      const client = new Client(app);
      await client.text(`/set/name/%22${name}%22`);
      values.push(await client.cookie());
      clock.advance(1);
    }
    const [older, newer] = values;
    for (const cookie of [`${older}; ${newer}`, `${newer}; ${older}`]) {
      assertEquals(await read(app, cookie), { name: "newer" });
    }
    assertEquals(await read(app, `sid=nonsense; ${older}`), { name: "older" });
    assertEquals(await read(app, `sid=; ${older}; sid=${"A".repeat(43)}`), { name: "older" });
  });

  test("of several cookies that one counts whose session was used last", async ({ makeApp, clock }) => {
    const app = makeApp({ rolling: true, maxAge: 1000 });
    const [used, other] = [new Client(app), new Client(app)];
    await used.text("/set/name/%22used%22");
    clock.advance(1);
    await other.text("/set/name/%22other%22");
    clock.advance(200);
    await used.text("/read");
    const cookies = [await other.cookie(), await used.cookie()];
    assertEquals(await read(app, cookies.join("; ")), { name: "used" });
    assertEquals(await read(app, cookies.toReversed().join("; ")), { name: "used" });
  });

  test("a logout ends the sessions of all cookies of the name, each once", async ({ makeApp, clock, revocable }) => {
    for (const path of ["/logout", "/logout/null", "/start"]) {
      const destroyed: string[] = [];
      const app = makeApp({
        existsCookieName: "sx",
        events: { destroyed: ({ sid, reason }) => void destroyed.push(`${reason} ${sid}`) },
      });
      const sids: string[] = [];
      const cookies: string[] = [];
      for (const name of ["Ada", "Bob", "Eve"]) {
        const client = new Client(app);
        await client.text(`/login/${name}`);
        sids.push(`logout ${await client.text("/sid")}`);
        cookies.push(await client.cookie());
        clock.advance(1);
      }
      const cookie = cookies.join("; ");
      const response = await app.request(path, { headers: { cookie } });
      await response.body?.cancel();
      assertEquals(destroyed, sids.toReversed());
      if (!revocable) continue;
      assertEquals(await read(app, cookie), {}, path);
      for (const cookie of cookies) assertEquals(await read(app, cookie), {}, path);
    }
  });

  test("a session in two cookies ends once", async ({ makeApp, clock }) => {
    const destroyed: string[] = [];
    const app = makeApp({ events: { destroyed: ({ reason }) => void destroyed.push(reason) } });
    const client = new Client(app);
    await client.text("/login/Ada");
    const before = await client.cookie();
    clock.advance(1);
    await client.text("/set/count/2");
    const headers = { cookie: `${before}; ${await client.cookie()}` };
    await (await app.request("/logout", { headers })).body?.cancel();
    assertEquals(destroyed, ["logout"]);
  });

  test("an older copy of a session in front of it loses no change", async ({ makeApp, clock, stateless }) => {
    if (!stateless) return;
    const app = makeApp();
    const client = new Client(app);
    await client.text("/set/count/1");
    const stale = await client.cookie();
    for (const count of [2, 3, 4]) {
      clock.advance(1);
      const headers = { cookie: `${stale}; ${await client.cookie()}` };
      await client.text(`/set/count/${count}`, { headers });
    }
    const cookie = `${stale}; ${await client.cookie()}`;
    assertEquals(await read(app, cookie), { count: 4 });
  });

  test("cookies of former scopes are cleared whenever the cookie is written or cleared, and with nothing else", async ({ makeApp, clock }) => {
    const apps = {
      before: makeApp({ existsCookieName: "sx" }),
      after: makeApp({
        existsCookieName: "sx",
        cookieOptions: { domain: "app.test", former: [{}, { path: "/read" }] },
      }),
    };
    let current = apps.before;
    const fetch = (request: Request) => current.fetch(request);
    const client = new Client({ fetch } as typeof current);
    await client.text("/set/name/%22Ada%22");
    current = apps.after;
    clock.advance(1);
    assertEquals((await client.fetch("/read")).headers.getSetCookie(), []);

    const written = await client.fetch("/login/Eve");
    const rest = "HttpOnly; Secure; SameSite=Lax";
    const cleared = [
      `sid=; Max-Age=0; Path=/; ${rest}`,
      `sid=; Max-Age=0; Path=/read; ${rest}`,
      "sx=; Max-Age=0; Path=/; Secure; SameSite=Lax",
      "sx=; Max-Age=0; Path=/read; Secure; SameSite=Lax",
    ];
    const lines = written.headers.getSetCookie();
    assertEquals(lines.filter((line) => line.includes("Max-Age=0")), cleared);
    const sent = lines.filter((line) => !line.includes("Max-Age=0")).map((line) =>
      line.split("=")[0]
    );
    assertEquals(sent, ["sid", "sx"]);
    assertEquals((await client.cookie()).split("; ").length, 2, "the browser has one of each");
    assertEquals(await client.json("/read"), { name: "Eve" });

    const logout = await client.fetch("/logout");
    assertEquals(
      logout.headers.getSetCookie().filter((line) => !line.includes("Domain")),
      cleared,
    );
    assertEquals(await client.cookie(), "");
    assertEquals(await client.json("/read"), {});
  });

  test("a logout after the cookie has moved is one", async ({ makeApp, clock }) => {
    for (const [old, cookieOptions] of Object.entries(MOVES)) {
      let current = makeApp(JSON.parse(old));
      const fetch = (request: Request) => current.fetch(request);
      const client = new Client({ fetch } as typeof current);
      await client.text("/set/name/%22Ada%22");
      clock.advance(1);
      current = makeApp({ cookieOptions });
      await client.text("/logout");
      assertEquals(await client.json("/read"), {}, old);
      assertEquals(await client.cookie(), "", old);
    }
  });
}

/** Options of the cookie, and those that took their place. */
const MOVES = {
  '{"cookieOptions":{}}': { domain: "app.test", former: [{}] },
  '{"cookieOptions":{"domain":"app.test"}}': { former: [{ domain: "app.test" }] },
  '{"cookieOptions":{"path":"/"}}': { path: "/logout", former: [{ path: "/" }] },
  '{"cookieOptions":{"partitioned":true}}': { former: [{ partitioned: true }] },
};

async function read(
  app: { request: (path: string, init: RequestInit) => Response | Promise<Response> },
  cookie: string,
) {
  const response = await app.request("/read", { headers: { cookie } });
  assertEquals(response.headers.getSetCookie(), []);
  return await response.json();
}
