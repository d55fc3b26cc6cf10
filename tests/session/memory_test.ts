import vm from "node:vm";
import v8 from "node:v8";
import { MapStore } from "@x/hono-session/stores/map";
import { assert } from "@std/assert";
import { createSessions } from "../../src/core.ts";
import type { Session } from "../../src/session/session.ts";

const SAVES = 300;
const SIZE = 100_000;

type Change = (session: Session<{ text?: string }>, text: string) => unknown;

const CHANGES: Record<string, Change> = {
  "data that are saved": async (session, text) => {
    session.text = text;
    await session.save();
  },
  "keys that are updated": (session, text) => session.update("text", () => text),
  "flash values that are saved": async (session, text) => {
    session.flash("text", text);
    await session.save();
  },
};

for (const [name, change] of Object.entries(CHANGES)) {
  Deno.test(`a session that lives for long holds nothing of its former contents: ${name}`, async () => {
    v8.setFlagsFromString("--expose-gc");
    const collect: () => void = vm.runInNewContext("gc");
    const sessions = createSessions<{ text?: string }>({ store: new MapStore() });
    const { cookie } = await sessions.create({});
    const request = new Request("http://app.test/", { headers: { cookie } });
    const session = await sessions.open(request);
    assert(session);
    const heap = async (saves: number) => {
      for (let left = saves; left > 0; left--) await change(session, `${left}`.padEnd(SIZE, "ä"));
      collect();
      return v8.getHeapStatistics().used_heap_size;
    };
    const before = await heap(5);
    const held = (await heap(SAVES) - before) / SIZE;
    assert(held < SAVES / 10, `${held} of ${SAVES} are held`);
  });
}
