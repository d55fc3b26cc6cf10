import { DurableObjectStore } from "@x/hono-session/stores/durable-objects";
import { openObjects } from "../_support/durable_objects.ts";
import { pooled } from "../_support/pooled.ts";
import { httpSuite } from "./_suite.ts";

const objects = await openObjects();

if (objects) {
  const { namespace } = objects;
  Deno.test.afterAll(async () => await objects[Symbol.asyncDispose]());

  httpSuite({
    name: "DurableObjectStore",
    test: pooled(),
    every: 0.3,
    open(clock) {
      // The subjects are the same in all tests.
      const prefix = crypto.randomUUID();
      const apart = (clock: () => number) =>
        new DurableObjectStore({ namespace, prefix, shards: 4, clock });
      return { store: apart(clock), apart };
    },
  });
}
