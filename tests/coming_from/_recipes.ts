// What an application gives `adopt.read`, for each library. .github/MIGRATING.md shows these functions as they are here.
import { createEncryptionKey, jweDecrypt } from "@hono/session/cookies";
import type { SessionManager } from "@x/hono-session";
import { unsign } from "cookie-signature";
import type { Context } from "hono";
import { CookieStore } from "hono-sessions";
import { unsealData } from "iron-session";

export interface Data {
  userId?: string | undefined;
}

/** Where sessions of hono-session are kept. */
interface Rows {
  get(id: string): Promise<(Data & { _expires: number }) | undefined>;
}

/** Stores of libraries that read a session by its id. */
interface LoadingStore {
  load(id: string): unknown;
}

interface RedisStore {
  get(id: string): Promise<(Data & { cookie: { expires?: string } }) | undefined>;
}

export function makeRecipes({ secret, rows, hattipStore, redisStore, old }: {
  secret: string;
  rows: Rows;
  hattipStore: LoadingStore;
  redisStore: RedisStore;
  old: SessionManager<Data>;
}) {
  const isAsSent = (part: string) => Buffer.from(part, "base64url").toString("base64url") === part;
  // hono-session with a store. Cookie: "sid"
  async function honoSession(id: string) {
    const row = await rows.get(id);
    return row && row._expires > Date.now() ? { data: { userId: row.userId } } : undefined;
  }
  // hono-sessions with its CookieStore. Cookie: "session"
  async function honoSessions(_value: string, c: Context) {
    const store = new CookieStore({ encryptionKey: secret, sessionCookieName: "session" });
    // Its types refer to the Hono of npm, not to jsr:@hono/hono.
    const stored = await store.getSession(c as never);
    const isLive = stored && !(Date.parse(stored._expire ?? "") < Date.now());
    return isLive ? { data: { userId: stored._data.userId?.value } } : undefined;
  }
  // @hono/session without a storage. Cookie: "sid"
  async function honojsSession(value: string) {
    if (!value.split(".").every(isAsSent)) return undefined;
    const { payload } = await jweDecrypt(value, await createEncryptionKey(secret));
    return payload && { data: { userId: String(payload.userId) } };
  }
  // iron-session. Cookie: its cookieName
  async function ironSession(value: string) {
    if (!/^[^~]+~2$/.test(value)) return undefined;
    const { userId } = await unsealData<Data>(value, { password: secret });
    return userId ? { data: { userId } } : undefined;
  }
  // @hattip/session with a signed or encrypted cookie; load(id) alone with other stores. Cookie: "session"
  async function hattipSession(value: string) {
    const data = value.split(".", 2).every(isAsSent) && await hattipStore.load(value);
    return data ? { data } : undefined;
  }
  // express-session with connect-redis, and unsign() of cookie-signature. Cookie: "connect.sid"
  async function expressSession(value: string) {
    const id = value.startsWith("s:") && unsign(value.slice("s:".length), secret);
    const stored = id && await redisStore.get(id);
    return stored ? { data: { userId: stored.userId } } : undefined;
  }
  // Another store of this package: const old = createSessions({ store: oldStore }). Cookie: "sid"
  async function anotherStore(_value: string, c: Context) {
    const session = await old.open(c.req.raw, { c });
    const { subject, expiresAt } = session ?? {};
    return session && { data: session.toJSON(), subject, expiresAt };
  }

  return {
    honoSession,
    honoSessions,
    honojsSession,
    ironSession,
    hattipSession,
    expressSession,
    anotherStore,
  };
}
