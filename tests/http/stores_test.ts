import { SealedCookieStore } from "@x/hono-session/stores/cookie";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { AdaptedStore } from "../../src/key_value_store.ts";
import { httpSuite } from "./_suite.ts";

const SECRET = "a secret of thirty-two characters or more";

httpSuite({ name: "MapStore", open: (clock) => ({ store: new MapStore({ clock }) }) });

httpSuite({ name: "bare Map", open: (clock) => ({ store: new AdaptedStore(new Map(), clock) }) });

httpSuite({
  name: "MapStore with signed tokens",
  open: (clock) => ({ store: new MapStore({ clock }) }),
  options: { secret: SECRET },
});

httpSuite({
  name: "DenoKvStore",
  open(clock) {
    const store = new DenoKvStore({ path: ":memory:", clock });
    return { store, close: () => store[Symbol.asyncDispose]() };
  },
});

httpSuite({
  name: "SealedCookieStore",
  stateless: true,
  open: (clock) => ({ store: new SealedCookieStore({ secret: SECRET, clock }) }),
});
