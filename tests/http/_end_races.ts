import type { StoreOperation } from "@x/hono-session/testing";
import { assertEquals } from "@std/assert";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";
import { withSameCookie } from "../_support/same_cookie.ts";
import type { Scene, SceneTest } from "./_suite.ts";

/** A request that is held while its session is ended. */
interface Slow {
  path: string;
  /** How it would be committed. */
  operation: StoreOperation;
  /** What the handler answers, whatever becomes of the session. */
  answer: (scene: Scene) => [status: number, body: string];
}

const SLOW: Record<string, Slow> = {
  writer: { path: "/slow/set/a/1", operation: "update", answer: () => [202, "slow"] },
  toucher: {
    path: "/slow/read",
    operation: "touch",
    answer: () => [202, '{"name":"Ada","count":1}'],
  },
  flash: { path: "/slow/flash", operation: "update", answer: () => [202, "slow"] },
  "update()": {
    path: "/increment",
    operation: "update",
    // Where it is a transaction, it throws, and the application answers as it does to any error.
    answer: ({ atomic, stateless }) => atomic && !stateless ? [500, "failed"] : [200, "2"],
  },
  "login": { path: "/slow/login/Eve", operation: "replace", answer: () => [409, "refused"] },
  "regenerate()": { path: "/slow/regenerate", operation: "replace", answer: () => [202, "slow"] },
};

/** What holds of requests that run while their session is ended. */
export function endRaces(test: SceneTest): void {
  for (const [who, slow] of Object.entries(SLOW)) {
    test(`a slow ${who} does not undo a logout meanwhile`, async (scene) => {
      const { interrupted, app, client, thief } = await setup(scene);
      const answer = thief.fetch(slow.path);
      await scene.gate.arrived();
      await client.text("/logout");
      scene.gate.open();
      await assertOwn(await answer, slow.answer(scene));
      assertEquals(await thief.json("/read"), {});
      assertEquals(interrupted.length, 1);
      assertEquals(await new Client(app).json("/read"), {}, "the application goes on");
      if (!scene.stateless) assertEquals(await scene.records(), []);
    });

    test(`a slow ${who} does not undo a logout on another machine just before its write`, async (scene) => {
      const { interrupted, client, thief } = await setup(scene);
      const other = await withSameCookie(client, scene.makeApp());
      const held = new Gate();
      scene.watch.inject(slow.operation, () => held.pass(), 1);
      scene.gate.open();
      const answer = thief.fetch(slow.path);
      await held.arrived();
      await other.text("/logout");
      held.open();
      await assertOwn(await answer, slow.answer(scene));
      assertEquals(await thief.json("/read"), {});
      assertEquals(interrupted.length, 1);
      if (!scene.stateless) assertEquals(await scene.records(), []);
    });

    test(`a slow ${who} does not undo a login meanwhile`, async (scene) => {
      const { interrupted, client, thief } = await setup(scene);
      const answer = thief.fetch(slow.path);
      await scene.gate.arrived();
      await client.text("/login/Grace");
      scene.gate.open();
      const response = await answer;
      const isLogin = who === "login";
      if (isLogin) assertEquals([response.status, await response.text()], [202, "slow"]);
      else await assertOwn(response, slow.answer(scene));
      // A login is not lost, and gains nothing that it has not brought.
      assertEquals(await thief.json("/read"), isLogin ? { name: "Eve" } : {});
      assertEquals(await client.json("/read"), { name: "Grace", count: 1 });
      assertEquals(interrupted.length, isLogin ? 0 : 1);
      if (!scene.stateless) assertEquals((await scene.records()).length, isLogin ? 2 : 1);
    });
  }

  test("a cookie that save() has made due is not sent when the session is ended meanwhile", async (scene) => {
    const { interrupted, client, thief } = await setup(scene);
    const answer = thief.fetch("/slow/saved");
    await scene.gate.arrived();
    await client.text("/logout");
    scene.gate.open();
    await assertOwn(await answer, [202, "slow"]);
    assertEquals(interrupted.length, 1);
  });
}

/** A session of two clients that is due to be renewed, and what is told of its end. */
async function setup({ makeApp, clock }: Scene) {
  const interrupted: string[] = [];
  const app = makeApp({
    maxAge: 1000,
    rolling: true,
    events: { interrupted: ({ sid }) => interrupted.push(sid) },
  });
  const client = new Client(app);
  await client.text("/set/name/%22Ada%22");
  await client.text("/set/count/1");
  const thief = await client.thief();
  clock.advance(100);
  return { interrupted, app, client, thief };
}

/** That the answer is the handler's, and no cookie comes with it. */
async function assertOwn(response: Response, expected: [number, string]): Promise<void> {
  assertEquals([response.status, await response.text()], expected);
  assertEquals(response.headers.getSetCookie(), []);
}
