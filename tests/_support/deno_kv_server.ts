import { until } from "./redis.ts";
import { freePort, spawnServer, suspend } from "./server_process.ts";

const HOSTNAME = "127.0.0.1";
const LOG = "denokv.log";

/** The program of the server for KV Connect: that of the variable, else `denokv` on the PATH. */
const PROGRAM = Deno.env.get("HONO_SESSION_DENOKV") ?? "denokv";

/** Where clients look for the token of a database. */
const TOKEN_VARIABLE = "DENO_KV_ACCESS_TOKEN";
const TOKEN = "a token of the tests";

/** What another process requires to open the database. */
export const KV_CONNECT_ENV = { [TOKEN_VARIABLE]: TOKEN };

/** Whether tests over KV Connect are to be skipped. It is built from source, so that it may be missing everywhere. */
export function skipKvConnect(): boolean {
  if (hasServer()) return false;
  console.log("skipped: denokv (install: cargo install denokv --locked)");
  return true;
}

function hasServer(): boolean {
  try {
    return new Deno.Command(PROGRAM, { args: ["--help"] }).outputSync().success;
  } catch {
    return false;
  }
}

/** A server for KV Connect, which keeps what it acknowledged and ends with the tests. */
export class DenoKvServer implements AsyncDisposable {
  readonly port: number = freePort();
  readonly url = `http://${HOSTNAME}:${this.port}`;
  readonly #folder = Deno.makeTempDirSync({ prefix: "hono-session-denokv-" });
  #child: Deno.ChildProcess | undefined;

  private constructor() {}

  static async start(): Promise<DenoKvServer> {
    const server = new DenoKvServer();
    await server.restart();
    return server;
  }

  /** Opens its database, at another address if one is given. */
  async open(url: string = this.url): Promise<Deno.Kv> {
    Deno.env.set(TOKEN_VARIABLE, TOKEN);
    try {
      return await Deno.openKv(url);
    } finally {
      Deno.env.delete(TOKEN_VARIABLE);
    }
  }

  /** Starts it again at the same port with what it had on disk, after killing it if it runs. */
  async restart(): Promise<void> {
    await this.kill();
    const address = `${HOSTNAME}:${this.port}`;
    this.#child = spawnServer(
      [
        PROGRAM,
        "--sqlite-path",
        "sessions.kv",
        "serve",
        "--access-token",
        TOKEN,
        "--addr",
        address,
      ],
      { folder: this.#folder, log: LOG },
    );
    await until("denokv is ready", async () => {
      const response = await fetch(this.url);
      await response.body?.cancel();
      return true;
    });
  }

  /** Ends it as SIGKILL does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    await child.stdin.close();
    await child.status;
  }

  /** Lets it hang: it takes connections and requests, and answers none. */
  async pause(): Promise<void> {
    await suspend([this.#child!.pid]);
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
