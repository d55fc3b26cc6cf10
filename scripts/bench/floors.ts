// What nobody can do without, written by hand: the least that a request with a session takes.
import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { type Backend, type KeyValue, MAX_AGE, SECRET } from "./backends.ts";
import type { Library, Setup } from "./contestants.ts";
import type { Data } from "./data.ts";
import { sealIron, unsealIron } from "./iron.ts";

const NAME = "sid";
const TOKEN_BYTES = 32;
const TOKEN_REGEXP = /^[\w-]{43}$/;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAC_BYTES = 32;

/** Hono without any middleware. */
export const bare: Library = {
  name: "bare Hono",
  setUp: () => ({ middleware: [], ...NOTHING }),
};

/** An asynchronous middleware that does nothing. */
export const doNothing: Library = {
  name: "does nothing",
  setUp: () => ({
    middleware: [async (_, next) => {
      await next();
    }],
    ...NOTHING,
  }),
};

/** Only the operations that can't be left out. */
export const floor: Library = {
  name: "floor",
  setUp: (backend) => setUp(makeKeeper(backend)),
};

/** The same, nested changes found and shared caches told, which DESIGN.md promises. */
export const floorAndPromises: Library = {
  name: "floor + promises",
  setUp: (backend) => setUp(makeKeeper(backend), true),
};

const NOTHING: Omit<Setup, "middleware"> = { read: () => 1, write() {}, begin() {} };

/** A session as it is kept. */
interface Kept {
  readonly expiresAt: number;
  readonly data: Data;
}

/** Where the floor keeps sessions. */
interface Keeper {
  /** The session of a cookie. */
  open(value: string): Promise<Kept | undefined> | Kept | undefined;
  /**
   * Keeps a session.
   *
   * @param value The cookie that it has, if it has one.
   * @returns The cookie that it is to get, if it is another one.
   */
  keep(session: Kept, value: string | undefined): Promise<string | undefined> | string | undefined;
}

/** A session in a request. */
interface Visit {
  data: Data | undefined;
  changed: boolean;
}

function setUp(keeper: Keeper, promises = false): Setup {
  const visitOf = (c: Context): Visit => c.get("session");
  return {
    middleware: [promises ? keepPromises(keeper) : keepNone(keeper)],
    read: (c) => visitOf(c).data!.visits,
    write(c, visits) {
      const visit = visitOf(c);
      visit.data!.visits = visits;
      visit.changed = true;
    },
    begin(c, data) {
      const visit = visitOf(c);
      visit.data = data;
      visit.changed = true;
    },
  };
}

function keepNone(keeper: Keeper): MiddlewareHandler {
  return async (c, next) => {
    const value = findCookie(c.req.raw.headers.get("cookie"));
    const visit = { data: await open(keeper, value), changed: false };
    c.set("session", visit);
    await next();
    if (visit.changed) await keep(keeper, c, { value, data: visit.data! });
  };
}

function keepPromises(keeper: Keeper): MiddlewareHandler {
  return async (c, next) => {
    const value = findCookie(c.req.raw.headers.get("cookie"));
    const data = await open(keeper, value);
    const before = data && JSON.stringify(data);
    const visit = { data, changed: false };
    c.set("session", visit);
    await next();
    const { headers } = c.res;
    headers.set("vary", "Cookie");
    headers.set("cache-control", visit.changed ? "no-store" : "private");
    if (JSON.stringify(visit.data) !== before) {
      await keep(keeper, c, { value, data: visit.data! });
    }
  };
}

function open(keeper: Keeper, value: string | undefined) {
  if (value === undefined) return undefined;
  const kept = keeper.open(value);
  return kept instanceof Promise ? kept.then(live) : live(kept);
}

function live(kept: Kept | undefined): Data | undefined {
  return kept && Date.now() < kept.expiresAt ? kept.data : undefined;
}

async function keep(
  keeper: Keeper,
  c: Context,
  { value, data }: { value: string | undefined; data: Data },
): Promise<void> {
  const kept = keeper.keep({ expiresAt: Date.now() + MAX_AGE * 1000, data }, value);
  const next = kept instanceof Promise ? await kept : kept;
  if (next === undefined) return;
  c.res.headers.append(
    "set-cookie",
    `${NAME}=${next}; Max-Age=${MAX_AGE}; Path=/; HttpOnly; Secure; SameSite=Lax`,
  );
}

function findCookie(header: string | null): string | undefined {
  if (header === null) return undefined;
  for (let from = 0;;) {
    const end = header.indexOf("; ", from);
    if (header.startsWith(`${NAME}=`, from)) {
      return header.slice(from + NAME.length + 1, end < 0 ? undefined : end);
    }
    if (end < 0) return undefined;
    from = end + 2;
  }
}

function makeKeeper({ storage, objects, watch }: Backend): Keeper {
  switch (storage) {
    case "sealed":
      return inCookie({
        open: (value) => unsealIron(value, SECRET),
        seal: (text) => sealIron(text, SECRET),
      });
    case "encrypted":
      return inCookie(encrypted());
    case "signed":
      return inCookie(signed());
    case "map":
      return inMap(watch(new Map()));
    case "deno-kv":
    case "redis":
      return inTable(objects!);
  }
}

/** Cookies that hold the session; those that were opened last are remembered. */
function inCookie(
  { open, seal }: { open(value: string): string | undefined; seal(text: string): string },
): Keeper {
  const most = 1000;
  const memo = new Map<string, string>();
  return {
    open(value) {
      const known = memo.get(value);
      if (known !== undefined) return JSON.parse(known);
      const text = open(value);
      if (text === undefined) return undefined;
      if (memo.size === most) memo.delete(memo.keys().next().value!);
      memo.set(value, text);
      return JSON.parse(text);
    },
    keep: (kept) => seal(JSON.stringify(kept)),
  };
}

function encrypted() {
  const key = createHash("sha256").update(SECRET).digest();
  return {
    open(value: string) {
      const bytes = Buffer.from(value, "base64url");
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, "utf8");
      return text + decipher.final("utf8");
    },
    seal(text: string) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce);
      const parts = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
      return Buffer.concat(parts).toString("base64url");
    },
  };
}

function signed() {
  const sign = (bytes: Uint8Array) => createHmac("sha256", SECRET).update(bytes).digest();
  return {
    open(value: string) {
      const bytes = Buffer.from(value, "base64url");
      const text = bytes.subarray(MAC_BYTES);
      return timingSafeEqual(bytes.subarray(0, MAC_BYTES), sign(text))
        ? text.toString("utf8")
        : undefined;
    },
    seal(text: string) {
      const bytes = Buffer.from(text);
      return Buffer.concat([sign(bytes), bytes]).toString("base64url");
    },
  };
}

function inMap(sessions: Map<string, { expiresAt: number; text: string }>): Keeper {
  return {
    open(value) {
      if (!TOKEN_REGEXP.test(value)) return undefined;
      const kept = sessions.get(hash(value));
      return kept && { expiresAt: kept.expiresAt, data: JSON.parse(kept.text) };
    },
    keep({ expiresAt, data }, value) {
      const token = value ?? makeToken();
      sessions.set(hash(token), { expiresAt, text: JSON.stringify(data) });
      return value === undefined ? token : undefined;
    },
  };
}

function inTable(table: KeyValue): Keeper {
  return {
    open: async (value) =>
      TOKEN_REGEXP.test(value) ? await table.get(hash(value)) as Kept | undefined : undefined,
    async keep(kept, value) {
      const token = value ?? makeToken();
      await table.set(hash(token), kept);
      return value === undefined ? token : undefined;
    },
  };
}

function makeToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

function hash(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
