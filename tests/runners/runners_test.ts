import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, ROOT } from "../../scripts/paths.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { findRuntime } from "../_support/runtimes.ts";
import { declareSuite } from "./_suite.ts";

const RUNNERS = [
  {
    name: "node",
    args: ["--test", "--test-reporter=tap"],
    file: "node_suite.ts",
    counts: { passed: /^# pass (\d+)$/m, failed: /^# fail (\d+)$/m },
  },
  {
    name: "bun",
    // On a busy machine, tests exceed the 5 seconds that are its default.
    args: ["test", "--timeout=60000"],
    file: "bun_suite.ts",
    counts: { passed: /^ *(\d+) pass$/m, failed: /^ *(\d+) fail$/m },
  },
] as const;

for (const { name, args, file, counts } of RUNNERS) {
  const path = await findRuntime(name);
  if (path === undefined) continue;

  const run = async (env: Record<string, string> = {}, suite: string = file) => {
    const { success, stdout, stderr } = await new Deno.Command(path, {
      args: [...args, `./tests/runners/${suite}`],
      cwd: fromFileUrl(ROOT),
      env: { NO_COLOR: "1", ...env },
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    const count = (regexp: RegExp) => Number(regexp.exec(output)?.[1]);
    return { success, output, passed: count(counts.passed), failed: count(counts.failed) };
  };

  Deno.test(`the conformance suite runs under ${name}:test`, async () => {
    let declared = 0;
    declareSuite(() => declared++);
    const { output, ...result } = await run();
    assertEquals(result, { success: true, passed: declared, failed: 0 }, output);
  });

  Deno.test(`a broken store makes the conformance suite fail under ${name}:test`, async () => {
    const { success, output, failed } = await run({ BROKEN_STORE: "1" });
    assertEquals(success, false);
    assert(failed > 0);
    assertStringIncludes(output, "UpsertingStore: update never brings a deleted record back");
  });

  if (name !== "bun") continue;

  Deno.test({
    name: "RedisStore passes the conformance suite with Bun's own client",
    ignore: skipRedis(),
    async fn() {
      await using server = await RedisServer.start();
      const { success, failed, passed, output } = await run(
        { REDIS_URL: server.url },
        "bun_redis_suite.ts",
      );
      assertEquals({ success, failed }, { success: true, failed: 0 }, output);
      assert(passed > 25, output);
    },
  });
}
