import { Revocations } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { COOKIE_STORES } from "../_support/cookie_stores.ts";
import { httpSuite } from "./_suite.ts";

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
