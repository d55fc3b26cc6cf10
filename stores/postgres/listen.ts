import type { ReceiveEnd, Unsubscribe } from "../../src/store/end_watchers.ts";
import { SetupError } from "../../src/store/setup_error.ts";
import { hasMethods } from "../../src/util/option_errors.ts";
import { unref } from "../../src/util/runtime.ts";
import { CHANNEL } from "../sql/dialect.ts";
import type { PgClientLike, PgPoolLike, PostgresJsLike } from "./like.ts";
import { ignore, overClient, type Run } from "./run.ts";

/** The longest pause before a lost connection is opened again, in milliseconds. */
const PAUSE = 1000;

/** Without it, the loss of a connection would not be noticed: nothing is sent over it. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 60_000 };

const LISTEN = { text: `LISTEN ${CHANNEL}`, values: [] };
const UNLISTEN = { text: `UNLISTEN ${CHANNEL}`, values: [] };
const BACKEND = { text: "SELECT pg_backend_pid() AS pid", values: [] };

/**
 * Receives the notifications of sessions that end.
 *
 * @param receive Receives the payload of each.
 * @param isDirect Whether the connection is known to be direct. Otherwise this is checked.
 * @throws {SetupError} When the connection goes through a pooler.
 */
export type Listen = (receive: ReceiveEnd, isDirect: boolean) => Promise<Unsubscribe>;

/** The methods of postgres.js and Bun for notifications, and the listeners that postgres.js holds. */
interface PostgresJsListen {
  (channel: string, receive: (payload: string) => void): Promise<Subscription>;
  /** The client that listens. */
  sql?: { end(options: { timeout: number }): Promise<void> } | undefined;
  channels?: Record<string, { listeners: { fn: unknown }[] }>;
}

interface Subscription {
  unlisten(): Promise<void>;
}

interface Notification {
  readonly channel: string;
  readonly payload?: string | undefined;
}

/** The methods of a client of `pg` for notifications. */
interface PgListener {
  on(event: "notification", listener: (notification: Notification) => void): unknown;
  off(event: "notification", listener: (notification: Notification) => void): unknown;
}

/** A client of `pg` that the store opens itself. */
interface OwnClient extends PgListener, PgClientLike {
  on(event: "notification", listener: (notification: Notification) => void): unknown;
  on(event: "error" | "end", listener: () => void): unknown;
  connect(): Promise<unknown>;
  end(): Promise<unknown>;
  unref?(): void;
}

/** How a pool of `pg` makes its clients. */
interface ClientMaker {
  readonly Client: new (options: unknown) => OwnClient;
  /** Its options. The password is there, but not enumerable. */
  readonly options: { readonly password?: unknown };
}

/** Listens with postgres.js or Bun, which open a connection for that, and open it again when it is lost. */
export function listenWithPostgresJs(sql: PostgresJsLike): Listen | undefined {
  const listen: PostgresJsListen | undefined = Reflect.get(sql, "listen");
  if (typeof listen !== "function") return undefined;
  return async (receive, isDirect) => {
    if (!isDirect) {
      const rows = await sql.unsafe(BACKEND.text);
      checkBackend(rows[0], Reflect.get(Reflect.get(rows, "state") ?? {}, "pid"));
    }
    try {
      const subscription = await listen(CHANNEL, receive);
      return () => stopListening(listen, receive, subscription);
    } catch (error) {
      // Otherwise it would try again and again.
      await stopListening(listen, receive);
      throw error;
    }
  };
}

/**
 * Stops a listener of postgres.js. `unlisten()` does not find listeners that postgres.js has renewed with a connection,
 * and leaves the connection open.
 */
async function stopListening(
  listen: PostgresJsListen,
  receive: ReceiveEnd,
  subscription?: Subscription,
): Promise<void> {
  const { channels = {}, sql } = listen;
  const own = channels[CHANNEL];
  if (!own || !sql) return void await subscription?.unlisten().catch(ignore);
  own.listeners = own.listeners.filter(({ fn }) => fn !== receive);
  if (own.listeners.length > 0) return;
  delete channels[CHANNEL];
  if (Object.keys(channels).length > 0) return;
  listen.sql = undefined;
  await sql.end({ timeout: 0 }).catch(ignore);
}

/** Listens with a connection of its own, because those of the pool may all be in use. */
export function listenWithPool(pool: PgPoolLike): Listen | undefined {
  if (!isClientMaker(pool)) return undefined;
  const { Client, options } = pool;
  return async (receive, isDirect) => {
    let own: OwnClient | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isStopped = false;
    const open = async () => {
      const client = new Client({ ...KEEP_ALIVE, ...options, password: options.password });
      // An error without a listener would end the process.
      client.on("error", ignore);
      try {
        await client.connect();
        client.unref?.();
        await listenWithClient(client, overClient(client))?.(receive, isDirect);
        client.on("end", openAgain);
      } catch (error) {
        await client.end().catch(ignore);
        throw error;
      }
      own = client;
      if (isStopped) await client.end();
    };
    const openAgain = () => {
      if (isStopped) return;
      timer = setTimeout(() => open().catch(openAgain), PAUSE * (1 - Math.random() / 2));
      unref(timer);
    };
    await open();
    return async () => {
      isStopped = true;
      clearTimeout(timer);
      await own?.end().catch(ignore);
    };
  };
}

/**
 * Listens with the connection of a client of `pg`.
 *
 * @param run Runs a statement after those that are under way.
 */
export function listenWithClient(client: PgClientLike, run: Run): Listen | undefined {
  if (!isListener(client)) return undefined;
  let listeners = 0;
  return async (receive, isDirect) => {
    if (!isDirect) {
      const [row] = await run(BACKEND);
      checkBackend(row, Reflect.get(client, "processID"));
    }
    const receiver = ({ channel, payload }: Notification) => {
      if (channel === CHANNEL) receive(payload);
    };
    const stop = async () => {
      client.off("notification", receiver);
      if (--listeners === 0) await run(UNLISTEN).catch(ignore);
    };
    client.on("notification", receiver);
    listeners++;
    try {
      await run(LISTEN);
    } catch (error) {
      await stop();
      throw error;
    }
    return stop;
  };
}

/** @throws {SetupError} When another server process runs the statements than the client is connected to. */
function checkBackend(row: object | undefined, pid: unknown): void {
  // By position: clients can rename columns.
  if (!row || typeof pid !== "number" || Number(Object.values(row)[0]) === pid) return;
  throw new SetupError(
    "Cannot listen to Postgres: the connection goes through a pooler; set the option listen to a client that " +
      "connects directly, or to false",
  );
}

function isClientMaker(pool: object): pool is PgPoolLike & ClientMaker {
  return hasMethods(pool, "Client");
}

function isListener(client: object): client is PgClientLike & PgListener {
  return hasMethods(client, "on", "off");
}
