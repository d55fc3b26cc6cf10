import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { httpSuite } from "./_suite.ts";

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
