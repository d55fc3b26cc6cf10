import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { makeApp } from "./app.js";
import { ready } from "./ready.js";

const { fetch } = makeApp({ "deno-kv": { store: new DenoKvStore({ path: ":memory:" }) } });
const { addr } = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, fetch);
ready(`http://127.0.0.1:${addr.port}`);
