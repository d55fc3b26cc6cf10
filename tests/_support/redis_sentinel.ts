import { RedisServer, until } from "./redis.ts";
import { command, type Reply } from "./redis_protocol.ts";
import { freePort, spawnServer } from "./server_process.ts";

const HOSTNAME = "127.0.0.1";

/** What clients ask a sentinel for. */
export const MASTER_NAME = "sessions";

/** A primary and a replica, with a sentinel that watches them. It ends with the tests. */
export class RedisSentinel implements AsyncDisposable {
  readonly port: number = freePort();
  /** The primary of the start, then its replica. */
  readonly nodes: readonly RedisServer[];
  readonly #folder = Deno.makeTempDirSync({ prefix: "hono-session-sentinel-" });
  #child: Deno.ChildProcess | undefined;

  private constructor(nodes: RedisServer[]) {
    this.nodes = nodes;
  }

  static async start(): Promise<RedisSentinel> {
    const primary = await RedisServer.start(["--repl-diskless-sync-delay", "0"]);
    const replica = await RedisServer.start(["--replicaof", `${HOSTNAME} ${primary.port}`]);
    const sentinel = new RedisSentinel([primary, replica]);
    try {
      await sentinel.#watch(primary.port);
      return sentinel;
    } catch (error) {
      await sentinel.stop();
      throw error;
    }
  }

  /** Where the sentinel answers. */
  get address(): { host: string; port: number } {
    return { host: HOSTNAME, port: this.port };
  }

  /** Resolves when the replica has all that the primary has acknowledged. */
  async replicated(): Promise<void> {
    const offset = async (node: RedisServer, name: string) =>
      new RegExp(`${name}:(\\d+)`).exec(String(await node.command("INFO", "replication")))?.[1];
    const [primary, replica] = this.nodes;
    await until(
      "the replica has it all",
      async () =>
        await offset(primary!, "master_repl_offset") ===
          await offset(replica!, "slave_repl_offset"),
    );
  }

  /** Makes the replica the primary, and resolves when the sentinel says so and the other one follows it. */
  async failover(): Promise<void> {
    const before = await this.#primaryPort();
    await until(
      "the sentinel finds the replica fit",
      () => this.#ask("SENTINEL", "FAILOVER", MASTER_NAME).then(() => true),
    );
    const other = this.nodes.find(({ port }) => port === before)!;
    await until(
      "the sentinel knows another primary",
      async () =>
        await this.#primaryPort() !== before &&
        String(await other.command("INFO", "replication")).includes("role:slave"),
    );
  }

  async stop(): Promise<void> {
    await this.#child?.stdin.close();
    await this.#child?.status;
    await Promise.all(this.nodes.map((node) => node.stop()));
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #watch(primary: number): Promise<void> {
    await Deno.writeTextFile(
      `${this.#folder}/sentinel.conf`,
      [
        `port ${this.port}`,
        `bind ${HOSTNAME}`,
        `sentinel monitor ${MASTER_NAME} ${HOSTNAME} ${primary} 1`,
        `sentinel down-after-milliseconds ${MASTER_NAME} 2000`,
        `sentinel failover-timeout ${MASTER_NAME} 2000`,
      ].join("\n"),
    );
    this.#child = spawnServer(["redis-server", "sentinel.conf", "--sentinel"], {
      folder: this.#folder,
      log: "sentinel.log",
    });
    await until(
      "the sentinel knows the replica",
      async () =>
        String(await this.#ask("SENTINEL", "MASTER", MASTER_NAME)).includes("num-slaves,1"),
    );
  }

  async #primaryPort(): Promise<number> {
    const [, port] = await this.#ask(
      "SENTINEL",
      "GET-MASTER-ADDR-BY-NAME",
      MASTER_NAME,
    ) as string[];
    return Number(port);
  }

  async #ask(...args: string[]): Promise<Reply> {
    return await command({ hostname: HOSTNAME, port: this.port }, args, 5000);
  }
}
