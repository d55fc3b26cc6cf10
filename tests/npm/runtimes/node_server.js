// @ts-ignore -- the tests install it
import { openKv } from "@deno/kv";
// @ts-ignore -- the tests install it
import { serve } from "@hono/node-server";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import process from "node:process";
import { makeApp, SECRET } from "./app.js";
import { ready } from "./ready.js";

const { fetch } = makeApp({
  default: { secret: SECRET },
  "deno-kv": { store: new DenoKvStore({ kv: openKv(`${process.pid}.kv`) }) },
});
serve({ fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => ready(`http://127.0.0.1:${port}`));
