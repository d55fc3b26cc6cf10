import { requireOrSkip } from "./available.ts";
import { until } from "./redis.ts";
import { freePort, signal, spawnServer, suspend } from "./server_process.ts";

const HOSTNAME = "127.0.0.1";
const USER = "app";
const LOG = "server.log";

/** What an acknowledged write survives here is the end of the server, not that of the machine. */
const SETTINGS = {
  // Shared memory that is a file among the data goes with them when the server is killed.
  dynamic_shared_memory_type: "mmap",
  fsync: "off",
  listen_addresses: HOSTNAME,
  max_connections: "300",
  unix_socket_directories: "",
};

/** Where Debian has the programs of the newest version of Postgres. */
function binOf(): string | undefined {
  try {
    const versions = [...Deno.readDirSync("/usr/lib/postgresql")].map(({ name }) => Number(name));
    return `/usr/lib/postgresql/${Math.max(...versions)}/bin`;
  } catch {
    return undefined;
  }
}

const BIN = binOf();

/** Whether tests with Postgres are to be skipped. */
export function skipPostgres(): boolean {
  return requireOrSkip("postgres", BIN !== undefined, "apt-get install postgresql");
}

/** Where Debian has it, which is not on the path of every user. */
const PGBOUNCER = canRead("/usr/sbin/pgbouncer") ? "/usr/sbin/pgbouncer" : "pgbouncer";

function canRead(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Whether tests with PgBouncer are to be skipped. */
export function skipPgBouncer(): boolean {
  const isThere = BIN !== undefined && outputOf(PGBOUNCER, "--version") !== undefined;
  return requireOrSkip("pgbouncer", isThere, "apt-get install postgresql pgbouncer");
}

function outputOf(command: string, ...args: string[]): string | undefined {
  try {
    const { success, stdout, stderr } = new Deno.Command(command, { args }).outputSync();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What starts a program as another user where this one is root, which none of these serves. */
function asServer(): string[] {
  if (Deno.uid() !== 0) return [];
  return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"];
}

/** Where Linux keeps files in memory. A thousand of them, as a server has, are copied there in no time. */
const MEMORY = "/dev/shm";

/** How much must be free there, in KiB: a server has 28 MiB at first. */
const ENOUGH_MEMORY = 1024 * 1024;

function hasMemory(): boolean {
  const { stdout } = new Deno.Command("df", { args: ["-kP", MEMORY] }).outputSync();
  const [available] = /\d+(?= +\d+% )/.exec(new TextDecoder().decode(stdout)) ?? [];
  return Number(available) > ENOUGH_MEMORY;
}

function makeFolder(name: string): string {
  const dir = hasMemory() ? MEMORY : undefined;
  const folder = Deno.makeTempDirSync({ prefix: `hono-session-${name}-`, ...(dir && { dir }) });
  if (Deno.uid() === 0) {
    const id = (flag: string) => Number(outputOf("id", flag, "postgres"));
    Deno.chownSync(folder, id("-u"), id("-g"));
  }
  return folder;
}

async function isListening(port: number): Promise<boolean> {
  const connection = await Deno.connect({ hostname: HOSTNAME, port });
  connection.close();
  return true;
}

let cluster: string | undefined;

/** The data of a server that has not begun, made once for all to copy. */
function emptyCluster(): string {
  if (cluster) return cluster;
  const folder = makeFolder("initdb");
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const [command, ...args] = [
    ...asServer(),
    `${BIN}/initdb`,
    ...[`--pgdata=${folder}/data`, `--username=${USER}`, "--auth=trust"],
    ...["--encoding=UTF8", "--locale=C", "--no-sync", "--wal-segsize=1"],
  ];
  outputOf(command!, ...args);
  return cluster = `${folder}/data`;
}

/** A Postgres server of its own, which ends with the tests. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number = freePort();
  readonly url = `postgres://${USER}@${HOSTNAME}:${this.port}/postgres`;
  readonly #folder = makeFolder("postgres");
  readonly #settings: Record<string, string>;
  #child: Deno.ChildProcess | undefined;

  private constructor(settings: Record<string, string>) {
    this.#settings = settings;
  }

  /** @param settings More settings, as in `postgresql.conf`. */
  static async start(settings: Record<string, string> = {}): Promise<PostgresServer> {
    const server = new PostgresServer(settings);
    outputOf("cp", "-a", emptyCluster(), `${server.#folder}/data`);
    await server.restart();
    return server;
  }

  /** Starts it again at the same port with what it had, after killing it if it runs. */
  async restart(): Promise<void> {
    await this.kill();
    const settings = Object.entries({ ...SETTINGS, ...this.#settings })
      .flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const command = [
      ...asServer(),
      ...[`${BIN}/postgres`, "-D", `${this.#folder}/data`, "-p", String(this.port)],
      ...settings,
    ];
    await until("postgres is ready", async () => {
      // Those that it has left behind may still hold what it needs.
      this.#child ??= spawnServer(command, { folder: this.#folder, log: `${this.#folder}/${LOG}` });
      const { status } = this.#child;
      const hasEnded = await Promise.race([status.then(() => true), isReady(this.port)]);
      if (hasEnded === true) this.#child = undefined;
      return hasEnded === "ready";
    });
  }

  /** Ends it, and what it has started, as SIGKILL does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    signal(processesOf(child.pid), "SIGKILL");
    await child.stdin.close();
    await child.status;
  }

  /** Lets it hang: it accepts connections and requests, and answers none. */
  async pause(): Promise<void> {
    await suspend(processesOf(this.#child!.pid));
  }

  resume(): void {
    signal(processesOf(this.#child!.pid), "SIGCONT");
  }

  /** Kills it and removes what it had on disk. */
  async stop(): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A process and those that it has started. */
function processesOf(pid: number): number[] {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`);
  return [pid, ...children.split(" ").filter(Boolean).map(Number)];
}

/** Whether a server lets a client in; it refuses while it recovers. */
async function isReady(port: number): Promise<"ready" | false> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const connection = await Deno.connect({ hostname: HOSTNAME, port });
  try {
    const parameters = new TextEncoder().encode(`user\0${USER}\0database\0postgres\0\0`);
    const message = new Uint8Array(8 + parameters.length);
    const view = new DataView(message.buffer);
    view.setUint32(0, message.length);
    view.setUint32(4, 196_608); // the version of the protocol: 3.0
    message.set(parameters, 8);
    await connection.write(message);
    const answer = new Uint8Array(1);
    await connection.read(answer);
    return String.fromCharCode(answer[0]!) === "R" ? "ready" : false;
  } finally {
    connection.close();
  }
}

/** PgBouncer before a server, in transaction mode: a connection is another one's after each transaction. */
export class PgBouncer implements AsyncDisposable {
  readonly port: number = freePort();
  readonly url = `postgres://${USER}@${HOSTNAME}:${this.port}/postgres`;
  readonly #folder = makeFolder("pgbouncer");
  #child: Deno.ChildProcess | undefined;

  private constructor() {}

  static async start(server: PostgresServer): Promise<PgBouncer> {
    const bouncer = new PgBouncer();
    const folder = bouncer.#folder;
    const config = `${folder}/pgbouncer.ini`;
    await Deno.writeTextFile(
      config,
      `[databases]
* = host=${HOSTNAME} port=${server.port} user=${USER}
[pgbouncer]
listen_addr = ${HOSTNAME}
listen_port = ${bouncer.port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 500
`,
    );
    const command = [...asServer(), PGBOUNCER, config];
    bouncer.#child = spawnServer(command, { folder, log: `${folder}/${LOG}` });
    await until("pgbouncer is ready", () => isListening(bouncer.port));
    return bouncer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.stdin.close();
    await this.#child?.status;
    await Deno.remove(this.#folder, { recursive: true });
  }
}
