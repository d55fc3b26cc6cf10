import {
  EncryptedCookieStore,
  KvSessionStore,
  session as hattip,
  SignedCookieStore,
  UnsafeMemorySessionStore,
} from "@hattip/session";
import { useSession, useSessionStorage } from "@hono/session";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import honoSession from "hono-session";
import { CookieStore, MemoryStore, sessionMiddleware } from "hono-sessions";
import { getIronSession } from "iron-session";
import { type Backend, MAX_AGE, SECRET } from "./backends.ts";
import type { Library } from "./contestants.ts";
import type { Data } from "./data.ts";

// Each as its documentation sets it up, with what it defaults to but for a life of one day. Their types may come from
// another copy of Hono, so what they make is taken for what it is.

/** A session whose data are its own properties. */
const OWN_PROPERTIES = {
  read: (c: Context) => c.get("session").visits,
  write(c: Context, visits: number) {
    c.get("session").visits = visits;
  },
  begin(c: Context, data: Data) {
    Object.assign(c.get("session"), data);
  },
};

const honoSessionPeer: Library = {
  name: "hono-session",
  setUp({ storage, objects, watch }) {
    const own = { sealed: {}, map: { store: watch(new Map()) } };
    const options = objects ? { store: objects } : own[storage as keyof typeof own];
    return options &&
      { middleware: handlers(honoSession({ ...options, secret: SECRET })), ...OWN_PROPERTIES };
  },
};

const honoSessionsPeer: Library = {
  name: "hono-sessions",
  setUp({ storage, objects, watch }) {
    const own = { sealed: () => new CookieStore(), map: () => watch(new MemoryStore()) };
    const store = objects
      ? {
        getSessionById: (id: string) => objects.get(id),
        createSession: (id: string, data: unknown) => objects.set(id, data),
        persistSessionData: (id: string, data: unknown) => objects.set(id, data),
        deleteSession: (id: string) => objects.delete(id),
      }
      : own[storage as keyof typeof own]?.();
    return store && {
      middleware: handlers(sessionMiddleware({
        store: store as never,
        expireAfterSeconds: MAX_AGE,
        // A key for the cookie with the data. Ids are plain unless one is given.
        ...(storage === "sealed" ? { encryptionKey: SECRET } : {}),
      })),
      read: (c) => c.get("session").get("visits"),
      write: (c, visits) => c.get("session").set("visits", visits),
      begin(c, data) {
        for (const [key, value] of Object.entries(data)) c.get("session").set(key, value);
      },
    };
  },
};

const officialPeer: Library = {
  name: "@hono/session",
  setUp({ storage, objects, watch }) {
    if (storage === "sealed" || storage === "signed") return undefined;
    const own = storage === "map" ? watch(new Map()) : undefined;
    const writes: Promise<unknown>[] = [];
    const keeps = objects
      ? { ...objects, set: (key: string, value: unknown) => writes.push(objects.set(key, value)) }
      : own;
    const options = { secret: SECRET, duration: { absolute: MAX_AGE } };
    return {
      middleware: handlers(
        // It doesn't wait for its writes, so that whoever comes next would.
        async (_: Context, next: () => Promise<void>) => {
          await next();
          if (writes.length > 0) await Promise.all(writes.splice(0));
        },
        ...(keeps ? [useSessionStorage(keeps as never)] : []),
        useSession(options),
      ).slice(objects ? 0 : 1),
      read: async (c) => (await c.get("session").get())?.visits,
      write: (c, visits) => c.get("session").update((data: Data) => ({ ...data, visits })),
      begin: (c, data) => c.get("session").update(data),
    };
  },
};

const ironSessionPeer: Library = {
  name: "iron-session",
  setUp({ storage }) {
    if (storage !== "sealed") return undefined;
    const options = { cookieName: "sid", password: SECRET, ttl: MAX_AGE };
    return {
      middleware: [async (c, next) => {
        const jar = {
          read: (name: string) => getCookie(c, name),
          write: (name: string, value: string, options: object) =>
            setCookie(c, name, value, options),
        };
        c.set("session", await getIronSession<Data>(jar, options));
        await next();
      }],
      read: OWN_PROPERTIES.read,
      async write(c, visits) {
        OWN_PROPERTIES.write(c, visits);
        await c.get("session").save();
      },
      async begin(c, data) {
        OWN_PROPERTIES.begin(c, data);
        await c.get("session").save();
      },
    };
  },
};

const hattipPeer: Library = {
  name: "@hattip/session",
  async setUp(backend) {
    const store = await hattipStore(backend);
    if (!store) return undefined;
    const run = hattip({ store, defaultSessionData: {}, cookieOptions: { maxAge: MAX_AGE } });
    return {
      middleware: [async (c, next) => {
        const context = {
          cookie: getCookie(c),
          // It hands on milliseconds.
          setCookie: (name: string, value: string, options: object) =>
            setCookie(c, name, value, { ...options, maxAge: MAX_AGE }),
          deleteCookie() {},
          session: undefined,
          async next() {
            c.set("session", context.session);
            await next();
            return c.res;
          },
        };
        await run(context as never);
      }],
      read: (c) => c.get("session").data.visits,
      write(c, visits) {
        c.get("session").data.visits = visits;
      },
      begin(c, data) {
        Object.assign(c.get("session").data, data);
      },
    };
  },
};

async function hattipStore({ storage, texts, watch }: Backend) {
  if (texts) {
    return new KvSessionStore({
      getStore: () => ({
        get: (key) => texts.get(key) as Promise<string>,
        put: (key, value) => texts.set(key, value) as Promise<never>,
        delete: (key) => texts.delete(key) as Promise<never>,
      }),
    });
  }
  switch (storage) {
    case "encrypted": {
      const key = await EncryptedCookieStore.generateKey() as CryptoKey;
      return new EncryptedCookieStore([key]);
    }
    case "signed":
      return new SignedCookieStore(await SignedCookieStore.generateKeysFromSecrets([SECRET]));
    case "map":
      return watch(new UnsafeMemorySessionStore());
    default:
      return undefined;
  }
}

function handlers(...middleware: unknown[]): MiddlewareHandler[] {
  return middleware as MiddlewareHandler[];
}

export const PEERS: readonly Library[] = [
  honoSessionPeer,
  honoSessionsPeer,
  officialPeer,
  ironSessionPeer,
  hattipPeer,
];
