import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { makeApp } from "./app.js";
import { ready } from "./ready.js";

// It leaves no database.
const { openKv } = Deno;
Object.defineProperty(Deno, "openKv", { value: () => openKv(":memory:") });

const { fetch } = makeApp({
  "deno-kv": { store: new DenoKvStore({ path: ":memory:" }) },
  // Not `default`, whose sessions are cookies: these can be ended.
  "default-on-deno": {},
});
const { addr } = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, fetch);
ready(`http://127.0.0.1:${addr.port}`);
