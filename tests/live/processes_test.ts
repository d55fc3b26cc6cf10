import { assert, assertEquals } from "@std/assert";
import { Client } from "../_support/client.ts";
import { LATEST } from "../_support/in_time.ts";
import { AppProcess, MORE_PLACES, PLACES } from "../_support/processes.ts";

/** How often each is tried. */
const TIMES = 3;

/** The stores that notify other processes. */
const PUSHING = ["Deno KV over KV Connect", "Redis", "Postgres"];

/** The path of an application, and what is known of an end in another process: a poll can't tell the reason. */
const POLLED = { path: "/polling", reason: "ended" };
const PUSHED = { path: "", reason: "logout" };

for (const { kind, ignore, open } of [...PLACES, ...MORE_PLACES]) {
  Deno.test({
    name: `a stream ends in time with a logout in another process, and no other one, over ${kind}`,
    ignore: ignore ?? false,
    async fn() {
      const { place, close } = await open();
      try {
        await using here = await AppProcess.start(kind, place);
        await using there = await AppProcess.start(kind, place);
        const { path, reason } = PUSHING.includes(kind) ? PUSHED : POLLED;
        for (let time = 0; time < TIMES; time++) {
          const [client, other] = [new Client(here), new Client(here)];
          for (const each of [client, other]) await each.text(`${path}/set/a/1`);
          const stream = await client.fetch(`${path}/ended`);
          const otherStream = await other.fetch(`${path}/ended`);
          let isOtherOver = false;
          const otherText = otherStream.text().then((text) => (isOtherOver = true, text));
          const text = stream.text();
          await new Promise((resolve) => setTimeout(resolve, 300));
          const cookie = await client.cookie();
          await new Client(there).text(`${path}/logout`, { headers: { cookie } });
          const start = performance.now();
          assertEquals(await text, `open ${reason}`);
          const delay = performance.now() - start;
          assert(delay < LATEST, `${delay} ms`);
          assertEquals(isOtherOver, false);
          await other.text(`${path}/logout`);
          assertEquals(await otherText, "open logout");
        }
      } finally {
        await close();
      }
    },
  });
}
