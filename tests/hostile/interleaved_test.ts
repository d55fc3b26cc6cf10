import { getSession, session, type SessionOptions } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { SECRET } from "../_support/cookie_stores.ts";

interface Data {
  name?: string;
  visits?: number;
}

const USERS = 40;
const VISITS = 5;

const SETTINGS: Record<string, () => SessionOptions<Data>> = {
  MapStore: () => ({ store: new MapStore() }),
  "DenoKvStore, signed": () => ({ store: new DenoKvStore({ path: ":memory:" }), secret: SECRET }),
  EncryptedCookieStore: () => ({ store: new EncryptedCookieStore({ secret: SECRET }) }),
  "MapStore, lazy": () => ({ store: new MapStore(), lazy: true }),
};

for (const [name, make] of Object.entries(SETTINGS)) {
  Deno.test(`interleaved: ${USERS} users at the same time get nothing of each other, in ${name} (GitHub, March 2021)`, async () => {
    const options = make();
    const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    const app = new Hono()
      .use(session<Data>(options))
      .get("/:name", async (c) => {
        await pause();
        await getSession(c);
        const own = c.var.session;
        const before = own.name ?? "nobody";
        own.name = c.req.param("name");
        await pause();
        own.visits = (own.visits ?? 0) + 1;
        await pause();
        return c.json([before, own.name, own.visits]);
      });
    const cookies = new Set<string>();
    await Promise.all(Array.from({ length: USERS }, async (_, user) => {
      const client = new Client(app);
      for (let visit = 1; visit <= VISITS; visit++) {
        const own = `user ${user}`;
        const expected = [visit === 1 ? "nobody" : own, own, visit];
        assertEquals(await client.json(`/${own}`), expected);
      }
      cookies.add(await client.cookie());
    }));
    assertEquals(cookies.size, USERS);
    if (options.store instanceof DenoKvStore) await options.store[Symbol.asyncDispose]();
  });
}
