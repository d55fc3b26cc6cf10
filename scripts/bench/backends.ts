import process from "node:process";
import { createClient } from "redis";

/** Where sessions are kept. */
export type Storage = "sealed" | "encrypted" | "signed" | "map" | "deno-kv" | "redis";

export const STORAGES: readonly Storage[] = [
  "sealed",
  "encrypted",
  "signed",
  "map",
  "deno-kv",
  "redis",
];

/** Whether sessions are sent to a server or a database. */
export function isRemote(storage: Storage): boolean {
  return storage === "deno-kv" || storage === "redis";
}

/** Whether the client holds them. */
export function isInCookie(storage: Storage): boolean {
  return storage === "sealed" || storage === "encrypted" || storage === "signed";
}

/** How long sessions live, in seconds. */
export const MAX_AGE = 86_400;

export const SECRET = "a secret of thirty-two characters or more";

/** What the client of Redis is used for here. */
export type RedisClient = Awaited<ReturnType<typeof connectRedis>>;

/** A place for sessions, as libraries without a store of their own for it are given it. */
export interface KeyValue {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<unknown>;
  delete(key: string): Promise<unknown>;
}

/** What there is to keep sessions in. */
export interface Backend extends AsyncDisposable {
  readonly storage: Storage;
  readonly kv?: Deno.Kv;
  readonly redis?: RedisClient;
  /** For libraries that hand over objects, and for those that hand over texts. */
  readonly objects?: KeyValue;
  readonly texts?: KeyValue;
  /** Lets the calls of a store be counted. */
  watch<Store extends object>(store: Store): Store;
}

/** Opens what a storage needs. */
export async function openBackend(storage: Storage): Promise<Backend> {
  const watch = <Store>(store: Store) => store;
  if (storage === "deno-kv") {
    const folder = await Deno.makeTempDir({ prefix: "hono-session-bench-" });
    const kv = await Deno.openKv(`${folder}/kv.sqlite`);
    const values = denoKv(kv);
    return {
      ...{ storage, kv, objects: values, texts: values, watch },
      async [Symbol.asyncDispose]() {
        kv.close();
        await Deno.remove(folder, { recursive: true });
      },
    };
  }
  if (storage === "redis") {
    const redis = await connectRedis(process.env.REDIS_URL!);
    const texts = redisTexts(redis);
    return {
      ...{ storage, redis, texts, objects: asObjects(texts), watch },
      async [Symbol.asyncDispose]() {
        await redis.flushAll();
        redis.destroy();
      },
    };
  }
  return { storage, watch, async [Symbol.asyncDispose]() {} };
}

/** The same backend, with calls of stores counted. */
export function counting(backend: Backend, count: () => void): Backend {
  const watch = <Store extends object>(store: Store) =>
    new Proxy(store, {
      get(target, name) {
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (name !== "outdated") count();
          return Reflect.apply(member, target, args);
        };
      },
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });
  const { objects, texts } = backend;
  return {
    ...backend,
    ...(objects && { objects: watch(objects) }),
    ...(texts && { texts: watch(texts) }),
    watch,
  };
}

function denoKv(kv: Deno.Kv): KeyValue {
  return {
    get: async (key) => (await kv.get(["value", key])).value ?? undefined,
    set: (key, value) => kv.set(["value", key], value, { expireIn: MAX_AGE * 1000 }),
    delete: (key) => kv.delete(["value", key]),
  };
}

async function connectRedis(url: string) {
  return await createClient({ url }).connect();
}

function redisTexts(redis: RedisClient): KeyValue {
  return {
    get: async (key) => await redis.get(`value:${key}`) ?? undefined,
    set: (key, value) =>
      redis.set(`value:${key}`, value as string, { expiration: { type: "EX", value: MAX_AGE } }),
    delete: (key) => redis.del(`value:${key}`),
  };
}

function asObjects(texts: KeyValue): KeyValue {
  return {
    ...texts,
    async get(key) {
      const text = await texts.get(key);
      return text === undefined ? undefined : JSON.parse(text as string);
    },
    set: (key, value) => texts.set(key, JSON.stringify(value)),
  };
}
