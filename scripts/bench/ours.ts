import { getSession, session, type SessionStore, type SessionVariables } from "@x/hono-session";
import {
  EncryptedCookieStore,
  SealedCookieStore,
  SignedCookieStore,
} from "@x/hono-session/stores/cookie";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { RedisStore } from "@x/hono-session/stores/redis";
import type { Context } from "hono";
import { type Backend, SECRET } from "./backends.ts";
import type { Library } from "./contestants.ts";
import type { Data } from "./data.ts";

type Ours = Context<{ Variables: SessionVariables<Data> }>;

/** This library, with the options that it has by default. */
export const ours: Library = {
  name: "@x/hono-session",
  setUp: (backend) => ({
    middleware: [session<Data>({ store: makeStore(backend) })],
    read: (c: Ours) => c.get("session").visits,
    write(c: Ours, visits) {
      c.get("session").visits = visits;
    },
    begin(c: Ours, data) {
      Object.assign(c.get("session"), data);
    },
  }),
};

/** The same, with sessions that are loaded when they are asked for. */
export const lazy: Library = {
  name: "@x/hono-session, lazy",
  setUp: (backend) => ({
    middleware: [session<Data>({ store: makeStore(backend), lazy: true })],
    read: async (c) => (await load(c)).visits,
    async write(c, visits) {
      (await load(c)).visits = visits;
    },
    async begin(c, data) {
      Object.assign(await load(c), data);
    },
  }),
};

async function load(c: Context) {
  return await getSession<Data>(c);
}

function makeStore({ storage, kv, redis, watch }: Backend): SessionStore {
  switch (storage) {
    case "sealed":
      return watch(new SealedCookieStore({ secret: SECRET }));
    case "encrypted":
      return watch(new EncryptedCookieStore({ secret: SECRET }));
    case "signed":
      return watch(new SignedCookieStore({ secret: SECRET }));
    case "map":
      return watch(new MapStore());
    case "deno-kv":
      return watch(new DenoKvStore({ kv: kv! }));
    case "redis":
      return watch(new RedisStore({ client: redis! }));
  }
}
