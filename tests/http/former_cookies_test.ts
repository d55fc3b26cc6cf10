import { createSessions, session, type SessionOptions, startSession } from "@x/hono-session";
import { EncryptedCookieStore, SignedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";

interface Data {
  name?: string;
  notes?: string;
}

function makeApp(options: SessionOptions<Data>) {
  return new Hono().use(session<Data>(options))
    .get("/read", (c) => c.json(c.var.session.name ?? null))
    .get("/set/:name", (c) => {
      c.var.session.name = c.req.param("name");
      return c.text("set");
    })
    .get("/notes/:letter/:length", (c) => {
      c.var.session.notes = c.req.param("letter").repeat(Number(c.req.param("length")));
      return c.text("set");
    })
    .get("/notes", (c) => c.json(c.var.session.notes?.slice(0, 1) ?? null))
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .get("/start", async (c) => {
      await startSession<Data>(c, { name: "started" });
      return c.text("started");
    })
    .get("/move", (c) => {
      Object.assign(c.get("sessionCookie"), { domain: "app.test" });
      c.var.session.name = "moved";
      return c.text("moved");
    });
}

Deno.test("several cookies of the name cost no more store calls than there are different ones", async () => {
  const store = new FaultyStore(new MapStore());
  const app = makeApp({ store });
  const client = new Client(app);
  await client.text("/set/Ada");
  const cookie = await client.cookie();
  const other = new Client(app);
  await other.text("/set/Bob");
  store.calls();
  const calls = async (cookie: string) => {
    await app.request("/read", { headers: { cookie } });
    return store.calls();
  };
  assertEquals(await calls(cookie), ["read"]);
  assertEquals(await calls(`${cookie}; ${cookie}; ${cookie}`), ["read"]);
  assertEquals(await calls(`sid=nonsense; ${cookie}`), ["read"]);
  assertEquals(await calls(`${cookie}; ${await other.cookie()}`), ["read", "read"]);
  const many = Array.from({ length: 20 }, (_, at) => `sid=${String(at).padStart(43, "A")}`);
  assertEquals(await calls([...many, cookie].join("; ")), ["read", "read", "read"]);
});

Deno.test("a session that can't be read does not hide another one of the browser", async () => {
  const clock = new FakeClock();
  const records = new Map();
  const app = makeApp({ store: records, clock: clock.now });
  const [broken, sound] = [new Client(app), new Client(app)];
  await sound.text("/set/sound");
  const [soundKey] = records.keys();
  clock.advance(1);
  await broken.text("/set/broken");
  const brokenKey = [...records.keys()].find((key) => key !== soundKey)!;
  records.set(brokenKey, { ...records.get(brokenKey), data: "[" });
  const cookie = `${await broken.cookie()}; ${await sound.cookie()}`;
  assertEquals(await (await app.request("/read", { headers: { cookie } })).json(), "sound");
});

Deno.test("a stale set of chunks beside the valid one leaves it open, whichever comes first", async () => {
  for (const make of [EncryptedCookieStore, SignedCookieStore]) {
    const clock = new FakeClock();
    const store = new make({ secret: SECRET, chunks: 4, clock: clock.now });
    const app = makeApp({ store, clock: clock.now });
    /** The chunks of a session whose notes have some length. */
    const setOf = async (client: Client, letter: string, length: number) => {
      clock.advance(1);
      await client.text(`/notes/${letter}/${length}`);
      return (await client.cookie()).split("; ");
    };
    const read = async (cookies: string[]) => {
      const response = await app.request("/notes", { headers: { cookie: cookies.join("; ") } });
      return await response.json();
    };
    for (
      const [before, after] of [[3500, 3500], [7000, 3500], [3500, 7000], [10, 7000], [7000, 10]]
    ) {
      const client = new Client(app);
      const old = await setOf(client, "o", before!);
      const fresh = await setOf(client, "n", after!);
      const foreign = await setOf(
        new Client(makeApp({
          store: new make({ secret: SECRET.toUpperCase(), chunks: 4 }),
        })),
        "f",
        before!,
      );
      const what = `${make.name} ${before} ${after}`;
      for (const stale of [old, foreign]) {
        assertEquals(await read([...stale, ...fresh]), "n", what);
        assertEquals(await read([...fresh, ...stale]), "n", what);
        // As browsers do: those of a name that are older come first.
        const mixed = [...stale, ...fresh].toSorted((one, other) =>
          one.split("=")[0]!.localeCompare(other.split("=")[0]!)
        );
        assertEquals(await read(mixed), "n", what);
        // A server of the release before has just written there.
        const [first, ...rest] = fresh;
        assertEquals(await read([stale[0]!, first!, ...rest, ...stale.slice(1)]), "n", what);
      }
    }
  }
});

Deno.test("many sets of chunks are not all tried", async () => {
  let opened = 0;
  const store = new EncryptedCookieStore({ secret: SECRET, chunks: 4 });
  const format = store.forCookie.bind(store);
  store.forCookie = (name) => {
    const bound = format(name);
    const read = bound.read.bind(bound);
    bound.read = (token, c) => {
      opened++;
      return read(token, c);
    };
    return bound;
  };
  const app = makeApp({ store, cookieName: "id" });
  const cookies = ["id", "id.1", "id.2", "id.3"].flatMap((name, index) =>
    Array.from({ length: 30 }, (_, at) => `${name}=${index === 0 ? "4~" : ""}${at}`)
  );
  const response = await app.request("/read", { headers: { cookie: cookies.join("; ") } });
  assertEquals(await response.json(), null);
  assert(opened > 0 && opened <= 9, `${opened} were tried`);
});

Deno.test("former scopes are cleared for every chunk that is there", async () => {
  const store = new EncryptedCookieStore({ secret: SECRET, chunks: 3 });
  let current = makeApp({ store });
  const client = new Client({ fetch: (request: Request) => current.fetch(request) } as Hono);
  await client.text("/notes/a/5000");
  current = makeApp({ store, cookieOptions: { domain: "app.test", former: [{}] } });
  const response = await client.fetch("/notes/b/10");
  const cleared = response.headers.getSetCookie().filter((line) => line.includes("Max-Age=0"));
  assertEquals(
    cleared.filter((line) => !line.includes("Domain")).map((line) => line.split(";")[0]),
    ["sid=", "sid.1="],
  );
  assertEquals((await client.cookie()).split("; ").length, 1);
  assertEquals(await client.json("/notes"), "b");
});

Deno.test("a session whose own cookie lies in a former scope keeps it", async () => {
  const app = makeApp({
    store: new EncryptedCookieStore({ secret: SECRET }),
    cookieOptions: { former: [{ domain: "app.test" }, { path: "/old" }] },
  });
  const client = new Client(app);
  const cleared = async (path: string) =>
    (await client.fetch(path)).headers.getSetCookie()
      .filter((line) => line.includes("Max-Age=0"))
      .map((line) => /(Domain=[^;]+; )?Path=[^;]+/.exec(line)![0]);
  assertEquals(await cleared("/set/Ada"), ["Domain=app.test; Path=/", "Path=/old"]);
  assertEquals(await cleared("/move"), ["Path=/", "Path=/old"]);
  assertEquals(await client.json("/read"), "moved");
  assertEquals(await cleared("/set/Bob"), ["Path=/old"]);
  assertEquals(await client.json("/read"), "Bob");
  assertEquals(await cleared("/logout"), ["Domain=app.test; Path=/", "Path=/old"]);
});

Deno.test("a session made by hand is given with its cookie alone", async () => {
  const sessions = createSessions({
    store: new MapStore(),
    existsCookieName: "sx",
    cookieOptions: { former: [{ domain: "app.test" }] },
  });
  const { cookie, setCookie } = await sessions.create();
  assertEquals(cookie.split("; ").map((pair) => pair.split("=")[0]), ["sid", "sx"]);
  assert(!/sid=;|sid=$/.test(cookie));
  assertEquals(setCookie.length, 4);
});

Deno.test("the second cookie has former scopes of its own where it says so", async () => {
  const app = makeApp({
    store: new MapStore(),
    existsCookieName: "sx",
    cookieOptions: { former: [{ path: "/old" }] },
    existsCookieOptions: { domain: "app.test", former: [{}] },
  });
  const response = await app.request("/start");
  assertEquals(
    response.headers.getSetCookie()
      .filter((line) => line.includes("Max-Age=0"))
      .map((line) => line.replace("; Max-Age=0; ", " ").split("; ")[0]),
    ["sid= Path=/old", "sx= Path=/"],
  );
});

Deno.test("former scopes that a browser would refuse, or that are the present one, are misuse", () => {
  const store = new MapStore();
  const cases: [SessionOptions, string][] = [
    [{ cookieOptions: { former: {} as never } }, "cookieOptions.former"],
    [{ cookieOptions: { former: [null] as never } }, "cookieOptions.former[0]"],
    [{ cookieOptions: { former: ["/old"] as never } }, "cookieOptions.former[0]"],
    [{ cookieOptions: { former: [{}] } }, "cookieOptions.former[0]"],
    [{ cookieOptions: { path: "/a", former: [{ path: "/a" }] } }, "cookieOptions.former[0]"],
    [
      { cookieOptions: { former: [{ path: "/a" }, { path: "a" }] } },
      "cookieOptions.former[1].path",
    ],
    [{ cookieOptions: { former: [{ domain: "a;b" }] } }, "cookieOptions.former[0].domain"],
    [
      { cookieOptions: { prefix: "host", former: [{ domain: "app.test" }] } },
      "cookieOptions.former[0]",
    ],
    [
      { cookieOptions: { secure: false, former: [{ partitioned: true }] } },
      "cookieOptions.former[0]",
    ],
    [
      { existsCookieName: "sx", existsCookieOptions: { former: [{ path: "" }] } },
      "existsCookieOptions.former[0].path",
    ],
    [
      {
        existsCookieName: "sx",
        existsCookieOptions: { domain: "app.test", former: [{ domain: "app.test" }] },
      },
      "existsCookieOptions.former[0]",
    ],
  ];
  for (const [options, name] of cases) {
    assertThrows(
      () => session({ store, ...options }),
      TypeError,
      `Cannot build session middleware: option ${name} is not valid`,
    );
  }
  assertThrows(
    () => session({ store, cookieOptions: { former: [{ sameSite: "Lax" }] as never } }),
    TypeError,
    "there is no option cookieOptions.former[0].sameSite; there are domain, path, partitioned",
  );
  session({ store, cookieOptions: { former: [] } });
});
