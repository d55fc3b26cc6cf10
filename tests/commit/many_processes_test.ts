// One session, and as many processes that change it at the same time as a deployment may have.
import { assertEquals } from "@std/assert";
import { Client } from "../_support/client.ts";
import { pooled } from "../_support/pooled.ts";
import { AppProcess, PLACES } from "../_support/processes.ts";
import { withSameCookie } from "../_support/same_cookie.ts";

const COUNT = 20;

for (const { kind, ignore = false, open } of PLACES) {
  pooled({ ignore })(
    `${COUNT} processes on ${kind} change one session at the same time, and all is stored`,
    async () => {
      await using stack = new AsyncDisposableStack();
      const { place, close } = await open();
      stack.defer(close);
      const processes = await Promise.all(
        Array.from({ length: COUNT }, async () => stack.use(await AppProcess.start(kind, place))),
      );
      const first = new Client(processes[0]!);
      assertEquals(await first.text("/set/count/0"), "true");
      const clients = await Promise.all(processes.map((process) => withSameCookie(first, process)));

      /** Asks all processes the same at the same time, or something of each. */
      const ask = async (path: (index: number) => string): Promise<[number, string][]> => {
        const asked = clients.map((client, index) => client.fetch(path(index)));
        await Promise.all(processes.map((process) => process.arrived()));
        await Promise.all(processes.map((process) => process.open()));
        return await Promise.all(asked.map(async (each) => {
          const response = await each;
          return [response.status, await response.text()];
        }));
      };
      const keys = Array.from({ length: COUNT }, (_, index) => [`key${index}`, index] as const);
      for (let round = 0; round < 3; round++) {
        const answers = await ask((index) => `/slow/set/key${index}/${index + round}`);
        assertEquals(answers, clients.map(() => [202, "slow"]), `round ${round}`);
        const written = keys.map(([key, index]) => [key, index + round]);
        const expected = { count: 0, ...Object.fromEntries(written) };
        for (const client of [clients[0]!, clients.at(-1)!]) {
          assertEquals(await client.json("/read"), expected);
        }
      }
      const counts = (await ask(() => "/increment")).map(([, text]) => Number(text));
      assertEquals(counts.toSorted((a, b) => a - b), counts.map((_, index) => index + 1));
    },
  );
}
