import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { DatabaseSync } from "node:sqlite";
import { fromFileUrl } from "../../scripts/paths.ts";
import { DenoKvServer, KV_CONNECT_ENV, skipKvConnect } from "./deno_kv_server.ts";
import { PostgresServer, skipPostgres } from "./postgres.ts";
import { makeTables } from "./postgres_clients.ts";
import { RedisServer, skipRedis } from "./redis.ts";

const [MAIN, END_WITH_PARENT] = ["processes_app.ts", "end_with_parent.ts"]
  .map((file) => fromFileUrl(new URL(file, import.meta.url)));
const ADDRESS_REGEXP = /http:\/\/127\.0\.0\.1:\d+/;

/** How long a process may take to serve, and requests to come to its gate, in milliseconds. */
const PATIENCE = 120_000;

/** A store that processes share. */
export interface Place {
  kind:
    | "Deno KV"
    | "Deno KV over KV Connect"
    | "DynamoDB"
    | "Postgres"
    | "Redis"
    | "SQLite"
    | "cookies with revocations";
  ignore?: boolean;
  open(): Promise<{ place: string; close(): Promise<void> }>;
}

export const PLACES: Place[] = [{
  kind: "Deno KV",
  async open() {
    const folder = await Deno.makeTempDir({ prefix: "hono-session-kv-" });
    return {
      place: `${folder}/sessions.kv`,
      close: () => Deno.remove(folder, { recursive: true }),
    };
  },
}, {
  kind: "Redis",
  ignore: skipRedis(),
  async open() {
    const server = await RedisServer.start();
    return { place: server.url, close: () => server.stop() };
  },
}, {
  kind: "Postgres",
  ignore: skipPostgres(),
  async open() {
    const server = await PostgresServer.start();
    await makeTables(server.url);
    return { place: server.url, close: () => server.stop() };
  },
}, {
  kind: "SQLite",
  async open() {
    const folder = await Deno.makeTempDir({ prefix: "hono-session-sqlite-" });
    const place = `${folder}/sessions.db`;
    const db = new DatabaseSync(place);
    db.exec("PRAGMA journal_mode = WAL");
    db.exec(SqliteStore.schema());
    db.close();
    return { place, close: () => Deno.remove(folder, { recursive: true }) };
  },
}];

/** More stores that processes share, for what each store does in its own way. */
export const MORE_PLACES: Place[] = [{
  kind: "Deno KV over KV Connect",
  ignore: skipKvConnect(),
  async open() {
    const server = await DenoKvServer.start();
    return { place: server.url, close: () => server[Symbol.asyncDispose]() };
  },
}, {
  kind: "DynamoDB",
  async open() {
    const { startDynalite } = await import("./dynamodb.ts");
    const server = await startDynalite();
    return {
      place: String(server.port),
      close: async () => await server[Symbol.asyncDispose](),
    };
  },
}, {
  ...PLACES[0]!,
  kind: "cookies with revocations",
}];

/** The application of the HTTP suite in a process of its own, which ends with the tests. */
export class AppProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #address: string;

  private constructor(child: Deno.ChildProcess, address: string) {
    this.#child = child;
    this.#address = address;
  }

  /**
   * Starts it, and waits until it serves.
   *
   * @param place Where the store is: the path of a file, or the URL of a server.
   */
  static async start(kind: Place["kind"], place: string): Promise<AppProcess> {
    const importMap = Deno.env.get("HONO_SESSION_IMPORT_MAP");
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", "--no-check", `--preload=${END_WITH_PARENT}`],
        ...(importMap ? [`--import-map=${importMap}`] : []),
        ...[MAIN!, kind, place],
      ],
      env: KV_CONNECT_ENV,
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    try {
      let printed = "";
      for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
        printed += text;
        const [address] = ADDRESS_REGEXP.exec(printed) ?? [];
        if (address !== undefined) return new AppProcess(child, address);
      }
      throw new Error(`The application has ended without serving: ${printed}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Answers as the application does. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const cookie = request.headers.get("cookie") ?? "";
    return await fetch(this.#address + pathname, { headers: { cookie }, redirect: "manual" });
  };

  /** Waits until so many requests are held. */
  async arrived(count = 1): Promise<void> {
    await this.#control(`/gate/arrived/${count}`);
  }

  /** Lets the requests go on that are held. */
  async open(): Promise<void> {
    await this.#control("/gate/open");
  }

  /** How many sessions were ended elsewhere so far while a request of this process used them. */
  async interrupted(): Promise<number> {
    return Number(await this.#control("/interrupted"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async #control(path: string): Promise<string> {
    const signal = AbortSignal.timeout(PATIENCE);
    return await (await fetch(this.#address + path, { signal })).text();
  }
}
