import { session, type SessionOptions, type SessionStore } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { hashToken } from "../../src/crypto/store_key.ts";
import { Client } from "../_support/client.ts";
import { AUTHENTICATED_STORES, SECRET } from "../_support/cookie_stores.ts";
import { SoundStore } from "../_support/sound_store.ts";
import { type Data, QUIET, readAs, setup } from "./_app.ts";

/** Runs with a generator of random numbers that gives the same ones for a number of times. */
async function stuck(times: number, run: () => Promise<void>): Promise<void> {
  const real = crypto.getRandomValues;
  Object.defineProperty(crypto, "getRandomValues", {
    configurable: true,
    value: (array: Uint8Array) => times-- > 0 ? array.fill(7) : real.call(crypto, array),
  });
  try {
    await run();
  } finally {
    Reflect.deleteProperty(crypto, "getRandomValues");
  }
}

const STORES: Record<string, () => SessionStore | Map<string, unknown>> = {
  MapStore: () => new MapStore(),
  SoundStore: () => new SoundStore(Date.now),
  DenoKvStore: () => new DenoKvStore({ path: ":memory:" }),
  "a bare Map": () => new Map(),
};

for (const [name, make] of Object.entries(STORES)) {
  Deno.test(`tokens: a generator that repeats itself gives nobody the session of another, in ${name}`, async () => {
    for (const rotate of name === "a bare Map" ? [undefined] : [undefined, { every: 0 }]) {
      const store = make();
      const options: SessionOptions<Data> = {
        logger: QUIET,
        storeTimeout: 0.5,
        ...(rotate ? { rotate } : {}),
      };
      const { app } = setup({ store, ...options });
      const [ada, eve] = [new Client(app), new Client(app)];
      await eve.text("/add/apple");
      await stuck(Infinity, async () => {
        await ada.text("/login/Ada");
        const own = await ada.cookie();
        for (const path of ["/login/Bob", "/start/Bob", "/switch/Bob", "/add/pear"]) {
          const stranger = new Client(app);
          const response = await stranger.fetch(path);
          assertEquals([response.status, response.headers.getSetCookie()], [503, []], path);
          await response.body?.cancel();
          const moved = await (await eve.thief()).fetch(path);
          await moved.body?.cancel();
          for (const line of moved.headers.getSetCookie()) {
            assert(!line.startsWith(own.split(";")[0]!), `${path}: ${line}`);
          }
        }
        if (!rotate) assertEquals(await readAs(app, own), { name: "Ada" });
      });
      const { name: user } = await ada.json("/read") as Data;
      assertEquals(user, "Ada");
      assert(!JSON.stringify(await eve.json("/read")).includes("Ada"));
      if (store instanceof DenoKvStore) await store[Symbol.asyncDispose]();
    }
  });
}

Deno.test("tokens: a generator that repeats itself three times at most costs nothing but tries", async () => {
  for (const times of [1, 2]) {
    const { client, app } = setup();
    await stuck(2, async () => void await client.text("/login/Ada"));
    const other = new Client(app);
    await stuck(times + 1, async () => void await other.text("/login/Eve"));
    assertEquals(await other.json("/read"), { name: "Eve" });
    assertEquals(await client.json("/read"), { name: "Ada" });
  }
});

Deno.test("tokens: a key of the store identifies no session, nor does what its record holds (CVE-2019-16782)", async () => {
  const map = new Map<string, unknown>();
  const { client, app } = setup({ store: map, rotate: { every: 0 } });
  await client.text("/login/Ada");
  await client.text("/read");
  await client.text("/read");
  const own = (await client.value())!;
  const dump = [...map].flatMap(([key, record]) => [key, ...Object.values(record as object)]);
  assert(dump.length > 10 && dump.includes(await hashToken(own)));
  for (const value of dump) {
    for (const text of [String(value), String(value).slice(0, 43)]) {
      assertEquals(await readAs(app, `sid=${encodeURIComponent(text)}`), {}, text);
    }
  }
});

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The texts that a lenient decoder takes for the same bytes, and the other base64 of them. */
function aliases(text: string): string[] {
  const last = ALPHABET.indexOf(text.at(-1)!);
  const same = text.length % 4 === 3 ? 4 : text.length % 4 === 2 ? 16 : 1;
  const ends = Array.from({ length: same }, (_, bits) => ALPHABET[last - last % same + bits]!);
  return [
    ...ends.map((end) => text.slice(0, -1) + end),
    `${text}=`,
    `${text}==`,
    `${text} `,
    `${text}\n`,
    `${text.slice(0, 9)}\n${text.slice(9)}`,
    text.replaceAll("-", "+").replaceAll("_", "/"),
  ].filter((alias) => alias !== text);
}

Deno.test("tokens: another text of the same bytes identifies no session", async () => {
  const stores = Object.values(AUTHENTICATED_STORES).map((make) => ({ store: make() }));
  for (const options of [{}, { secret: SECRET }, ...stores] as SessionOptions<Data>[]) {
    const { client, app } = setup(options);
    await client.text("/login/Ada");
    const own = (await client.value())!;
    assertEquals(await readAs(app, `sid=${own}`), { name: "Ada" });
    const separator = own.includes("*") ? "*" : ".";
    const texts = decodeURIComponent(own).split(separator).flatMap((part, index, parts) =>
      aliases(part).map((alias) => parts.with(index, alias).join(separator))
    );
    assert(texts.length > 5);
    for (const text of texts) {
      assertEquals(await readAs(app, `sid=${encodeURIComponent(text)}`), {}, text);
    }
  }
});

Deno.test("tokens: what opens a session of one application opens none of another (CVE-2024-38513)", async () => {
  const store = new MapStore();
  const app = new Hono()
    .use(session<Data>({ store, cookieName: "user" }))
    .use(session<Data, "admin">({ store, cookieName: "admin", contextKey: "admin" }))
    .get("/login/:key", (c) => {
      const one = c.req.param("key") === "admin" ? c.var.admin : c.var.session;
      one.name = "Ada";
      return c.text("welcome");
    })
    .get("/read", (c) => c.json([c.var.session, c.var.admin]));
  for (const [from, to] of [["user", "admin"], ["admin", "user"]]) {
    const client = new Client(app);
    await client.text(`/login/${from}`);
    assertEquals(await readAs(app, `${to}=${await client.value(from)}`), [{}, {}]);
  }
});
