import { assert, assertEquals } from "@std/assert";
import { fromFileUrl, ROOT } from "../../scripts/paths.ts";
import { findRuntime } from "../_support/runtimes.ts";
import { installed, skipNpm } from "../npm/_npm.ts";

const node = skipNpm() ? undefined : await findRuntime("node");

Deno.test({
  name: "DenoKvStore passes the conformance suite on Node, with @deno/kv",
  ignore: node === undefined,
  async fn() {
    const { stdout, stderr } = await new Deno.Command(node!, {
      args: ["--test", "--test-reporter=tap", "./tests/runners/node_kv_suite.ts"],
      cwd: fromFileUrl(ROOT),
      env: { NO_COLOR: "1", DENO_KV_FOLDER: await installed(["@deno/kv@0.14"]) },
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(output)?.[1]);
    assertEquals(count("fail"), 0, output);
    assert(count("pass") > 80, output);
  },
});
