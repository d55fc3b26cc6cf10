import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "../../scripts/paths.ts";
import { RedisServer, skipRedis, until } from "../_support/redis.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";

const HARNESS = fromFileUrl(new URL("../_support/redis.ts", import.meta.url));

const ignore = skipRedis();

async function isGone(port: number): Promise<boolean> {
  try {
    using _connection = await Deno.connect({ hostname: "127.0.0.1", port });
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}

Deno.test({
  name: "RedisServer keeps what it acknowledged when it is killed and started again",
  ignore,
  async fn() {
    await using redis = await RedisServer.start();
    const { url, port } = redis;
    assertEquals(url, `redis://127.0.0.1:${port}`);
    const large = "ż".repeat(200_000);
    assertEquals(await redis.command("SET", "a", large), "OK");
    await redis.kill();
    assert(await isGone(port));
    await redis.restart();
    assertEquals([redis.url, redis.port], [url, port]);
    assertEquals(await redis.command("MGET", "a", "b"), [large, null]);
    assertEquals(await redis.command("DBSIZE"), 1);
    assertEquals(await redis.command("KEYS", "none"), []);
    await assertRejects(() => redis.command("NONE"), Error, "ERR unknown command");
  },
});

Deno.test({
  name: "RedisServer answers nothing while it is paused",
  ignore,
  async fn() {
    await using redis = await RedisServer.start();
    await redis.pause();
    let hasAnswered = false;
    const answer = redis.command("PING").finally(() => hasAnswered = true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert(!hasAnswered);
    redis.resume();
    assertEquals(await answer, "PONG");

    await redis.pause();
    await redis.kill();
    assert(await isGone(redis.port));
  },
});

Deno.test({
  name: "RedisServer tells why it doesn't start",
  ignore,
  async fn() {
    await assertRejects(() => RedisServer.start(["--none", "1"]), Error, "Bad directive");
  },
});

Deno.test({
  name: "RedisServer leaves nothing behind when it is stopped, and ends with the tests",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "hono-session-" });
    await using child = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--no-config",
        `import { RedisServer } from ${JSON.stringify(HARNESS)};
        const [stopped, running] = [await RedisServer.start(), await RedisServer.start()];
        await stopped.stop();
        await stopped.stop();
        console.log(JSON.stringify([stopped.port, running.port]));`,
      ],
      env: { TMPDIR: folder },
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const [stopped, running] = JSON.parse((await reader.read()).value!);
    assert(await isGone(stopped));
    assert(!await isGone(running));
    assertEquals((await Array.fromAsync(Deno.readDir(folder))).length, 1);

    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    await until("the server ends", () => isGone(running));
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "RedisCluster hands a slot over, when it is told and when a master is killed",
  ignore,
  async fn() {
    await using cluster = await RedisCluster.start({ replicas: 1 });
    assertEquals(cluster.nodes.length, 6);
    const masters = await Promise.all(["a", "b", "c"].map((key) => cluster.masterOf(key)));
    assertEquals(new Set(masters).size, 3);

    const [first, second] = masters;
    assertEquals(await first!.command("SET", "a", "1"), "OK");
    await assertRejects(() => second!.command("SET", "a", "1"), Error, "MOVED");
    const replica = await cluster.failover("a");
    assertEquals(await cluster.masterOf("a"), replica);
    assertEquals(await replica.command("GET", "a"), "1");
    await assertRejects(() => first!.command("SET", "a", "2"), Error, "MOVED");

    await replica.kill();
    await cluster.settled();
    assertEquals(await cluster.masterOf("a"), first!);
    assertEquals(await first!.command("GET", "a"), "1");
    await replica.restart();
    await cluster.settled();
  },
});
