import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { Revocations } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { KeyValueAdapter } from "../../src/store/key_value_adapter.ts";
import { COOKIE_STORES, SECRET } from "../_support/cookie_stores.ts";
import { httpSuite } from "./_suite.ts";

httpSuite({ name: "MapStore", open: (clock) => ({ store: new MapStore({ clock }) }) });

httpSuite({
  name: "bare Map",
  index: false,
  open: (clock) => ({ store: new KeyValueAdapter(new Map(), clock) }),
});

httpSuite({
  name: "MapStore with signed tokens",
  open: (clock) => ({ store: new MapStore({ clock }) }),
  options: { secret: SECRET },
});

httpSuite({
  name: "DenoKvStore",
  async open(clock) {
    const kv = await Deno.openKv(":memory:");
    return {
      store: new DenoKvStore({ kv, clock }),
      apart: (clock) => new DenoKvStore({ kv, clock }),
      close: () => Promise.resolve(kv.close()),
    };
  },
});

for (const [name, make] of Object.entries(COOKIE_STORES)) {
  httpSuite({ name, stateless: true, open: (clock) => ({ store: make({ clock }) }) });

  httpSuite({
    name: `${name} with revocations`,
    stateless: true,
    revocable: true,
    // Anybody can write into such a cookie whose it is.
    index: name !== "UnsignedCookieStore",
    open(clock) {
      const revocations = new Revocations(new MapStore({ clock, maxEntries: Infinity }));
      return {
        store: make({ clock, revocations }),
        apart: (clock) => make({ clock, revocations }),
      };
    },
  });
}
