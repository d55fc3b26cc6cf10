// @ts-ignore -- the tests install it
import { openKv } from "@deno/kv";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { RedisStore } from "@x/hono-session/stores/redis";
// @ts-ignore -- the tests install it
import { RedisClient } from "bun";
import process from "node:process";
import { deserialize, serialize } from "node:v8";
import { makeApp, SECRET } from "./app.js";
import { ready } from "./ready.js";

// Not the format of V8, but it is nobody else's file.
const kv = openKv(`${process.pid}.kv`, { encodeV8: serialize, decodeV8: deserialize });
const { REDIS_URL } = process.env;
const { fetch } = makeApp({
  default: { secret: SECRET },
  "deno-kv": { store: new DenoKvStore({ kv }) },
  ...(REDIS_URL
    ? { redis: { store: new RedisStore({ client: new RedisClient(REDIS_URL) }) } }
    : {}),
});
const { url } = globalThis.Bun.serve({ fetch, hostname: "127.0.0.1", port: 0 });
ready(url.origin);
