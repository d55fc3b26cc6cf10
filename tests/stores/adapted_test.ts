import type { SessionStore } from "@x/hono-session";
import { storeConformance } from "@x/hono-session/testing";
import { AdaptedStore } from "../../src/key_value_store.ts";

storeConformance({
  name: "bare Map",
  capabilities: { atomic: true, index: false, consistency: "strong" },
  test: Deno.test,
  open: (clock) => ({ store: new AdaptedStore(new Map(), clock) }),
});

storeConformance({
  name: "asynchronous { get, set, delete }",
  capabilities: { atomic: false, index: false, consistency: "strong" },
  canFail: true,
  test: Deno.test,
  open(clock) {
    // Text, as a file or a table would hold it.
    const rows = new Map<string, string>();
    let broken = false;
    const answer = <Value>(run: () => Value): Promise<Value> =>
      broken ? Promise.reject(new Error("connection lost")) : Promise.resolve().then(run);
    const store: SessionStore = new AdaptedStore({
      get: (key) => answer(() => JSON.parse(rows.get(key) ?? "null")),
      set: (key, record) => answer(() => rows.set(key, JSON.stringify(record))),
      delete: (key) => answer(() => rows.delete(key)),
    }, clock);
    return { store, fail: () => void (broken = true) };
  },
});
