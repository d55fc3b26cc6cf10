import { CloudflareKvStore } from "@x/hono-session/stores/cloudflare-kv";
import { pooled } from "../_support/pooled.ts";
import { openWorkers } from "../_support/workers.ts";
import { httpSuite } from "./_suite.ts";

const workers = await openWorkers();

if (workers) {
  const { namespace } = workers;
  Deno.test.afterAll(async () => await workers[Symbol.asyncDispose]());

  httpSuite({
    name: "CloudflareKvStore",
    atomic: false,
    test: pooled(),
    open: (clock) => ({
      store: new CloudflareKvStore({ namespace, prefix: `${crypto.randomUUID()}:`, clock }),
    }),
  });
}
