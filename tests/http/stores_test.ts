import { MapStore } from "@x/hono-session/stores/map";
import { KeyValueAdapter } from "../../src/store/key_value_adapter.ts";
import { SECRET } from "../_support/cookie_stores.ts";
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
