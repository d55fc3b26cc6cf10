import { requireOrSkip } from "./available.ts";
import { command, type Reply } from "./redis_protocol.ts";
import { freePort, spawnServer, suspend } from "./server_process.ts";

const HOSTNAME = "127.0.0.1";
/** What an acknowledged write survives here is the end of the server, not that of the machine. */
const DATABASE_OPTIONS = ["--appendonly", "yes", "--appendfsync", "no", "--save", ""];

const LOG = "redis.log";

/**
 * The servers that there are: `redis-server`, `valkey-server` if it is on the PATH, and those whose paths the variable
 * HONO_SESSION_REDIS_SERVERS lists.
 */
export function redisPrograms(): string[] {
  const named = Deno.env.get("HONO_SESSION_REDIS_SERVERS")?.split(":").filter(Boolean) ?? [];
  for (const program of named) {
    if (!canRun(program)) throw new Error(`Cannot test with ${program}: it does not run`);
  }
  return [...["redis-server", "valkey-server"].filter(canRun), ...named];
}

/** The name and the version of a server. */
export function versionOf(program: string): string {
  const { stdout } = new Deno.Command(program, { args: ["--version"] }).outputSync();
  const text = new TextDecoder().decode(stdout);
  return text.replace(/^(\w+) server v=([\d.]+).*\s*$/, "$1 $2");
}

/** How long anything of a server may take, in milliseconds. */
const PATIENCE = 20_000;

/** Whether tests with Redis are to be skipped. */
export function skipRedis(): boolean {
  return requireOrSkip("redis-server", canRun("redis-server"), "apt-get install redis-server");
}

function canRun(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

/** Resolves as soon as the condition holds; while it can't be asked, it doesn't. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE;
  let reason: unknown;
  while (!await holds().catch((error) => (reason = error, false))) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`, { cause: reason });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A Redis server of its own, which keeps what it acknowledged and ends with the tests. */
export class RedisServer implements AsyncDisposable {
  readonly port: number = freePort();
  readonly url = `redis://${HOSTNAME}:${this.port}`;
  readonly #folder = Deno.makeTempDirSync({ prefix: "hono-session-redis-" });
  readonly #options: string[];
  readonly #program: string;
  #child: Deno.ChildProcess | undefined;
  #isPaused = false;

  private constructor(options: string[], program: string) {
    this.#options = options;
    this.#program = program;
  }

  /** @param options More options, as on the command line of `redis-server`. */
  static async start(options: string[] = [], program = "redis-server"): Promise<RedisServer> {
    const server = new RedisServer(options, program);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Whether it runs and isn't paused. */
  get isAnswering(): boolean {
    return this.#child !== undefined && !this.#isPaused;
  }

  /** Asks it, over a connection of its own. */
  async command(...args: string[]): Promise<Reply> {
    return await command({ hostname: HOSTNAME, port: this.port }, args, PATIENCE);
  }

  /** Starts it again at the same port with what it had on disk, after killing it if it runs. */
  async restart(): Promise<void> {
    await this.kill();
    const child = spawnServer([
      ...[this.#program, "--bind", HOSTNAME, "--port", String(this.port)],
      ...["--protected-mode", "yes"],
      ...DATABASE_OPTIONS,
      ...this.#options,
    ], { folder: this.#folder, log: LOG });
    this.#child = child;
    let hasEnded = false;
    child.status.then(() => hasEnded = true);
    // A server that still reads its file answers `-LOADING`.
    await until(
      "redis-server is ready",
      async () => hasEnded || await this.command("PING") === "PONG",
    );
    if (hasEnded) throw new Error(`redis-server has ended: ${await this.#log()}`);
  }

  /** Ends it as SIGKILL does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    this.#isPaused = false;
    await child.stdin.close();
    await child.status;
  }

  /** Lets it hang: it takes connections and requests, and answers none. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    await suspend([this.#child!.pid]);
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
    this.#isPaused = false;
  }

  /** Kills it and removes what it had on disk. */
  async stop(): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #log(): Promise<string> {
    return await Deno.readTextFile(`${this.#folder}/${LOG}`).catch(() => "");
  }
}
