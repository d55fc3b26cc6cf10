// How much of a backend is read for one page of a list.
import { createSessions, type SessionStore } from "@x/hono-session";
import { EncryptedCookieStore, Revocations } from "@x/hono-session/stores/cookie";
import { DenoKvStore, type KvLike } from "@x/hono-session/stores/deno-kv";
import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { MapStore } from "@x/hono-session/stores/map";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import { RedisStore } from "@x/hono-session/stores/redis";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { DYNALITE, makeTable, TestClient } from "../_support/dynamodb.ts";
import { PostgresServer, skipPostgres } from "../_support/postgres.ts";
import { makeTables, POSTGRES_CLIENTS } from "../_support/postgres_clients.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLIENTS } from "../_support/redis_clients.ts";
import { DatabaseSync } from "node:sqlite";

const ADA = "user:42";
const SESSIONS = 60;
const LIMIT = 5;

/** A store, and how many records of it were read since that was asked last. */
interface Counted extends AsyncDisposable {
  readonly store: SessionStore;
  reads(): number;
}

function counter() {
  let count = 0;
  return {
    add: (more: number) => void (count += more),
    reads() {
      const reads = count;
      count = 0;
      return reads;
    },
  };
}

/** A store on the server whose reads are counted, for what others keep in it. */
function counting(store: SessionStore, add: (more: number) => void): SessionStore {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (name === "read") add(1);
        return Reflect.apply(member, target, args);
      };
    },
  });
}

async function openDenoKv(clock: () => number): Promise<Counted> {
  const kv = await Deno.openKv(":memory:") as KvLike & Disposable;
  const { add, reads } = counter();
  const counted = new Proxy(kv, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (name === "get") add(1);
        if (name === "getMany") add((args[0] as unknown[]).length);
        return Reflect.apply(member, target, args);
      };
    },
  });
  const store = new DenoKvStore({ kv: counted, clock });
  return {
    store,
    reads,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      kv[Symbol.dispose]();
    },
  };
}

async function openRedis(clock: () => number): Promise<Counted> {
  const server = await RedisServer.start();
  const { client, close } = await CLIENTS["ioredis 6"]!(server.url);
  const { add, reads } = counter();
  const store = new RedisStore({
    client: {
      call(command: string, ...args: string[]) {
        if (command === "MGET") add(args.length);
        if (command === "GET") add(1);
        return (client as { call(...args: string[]): Promise<unknown> }).call(command, ...args);
      },
    },
    clock,
  });
  return {
    store,
    reads,
    async [Symbol.asyncDispose]() {
      await close();
      await server.stop();
    },
  };
}

async function openDynamoDb(clock: () => number): Promise<Counted> {
  const running = await DYNALITE.start();
  const client = new TestClient(running.port);
  const tableName = await makeTable(client);
  const store = new DynamoDbStore({ document: client.document, tableName, sortKey: "sk", clock });
  return {
    store,
    reads() {
      const requests = client.requests.splice(0);
      for (const { operation, input } of requests) {
        if (operation === "Query") assert(input.Limit <= LIMIT + 2, "as many entries as that");
      }
      return requests.flatMap(({ operation, input }) =>
        operation === "BatchGetItem" ? input.RequestItems[tableName].Keys : []
      ).length;
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await running[Symbol.asyncDispose]();
    },
  };
}

async function openPostgres(clock: () => number): Promise<Counted> {
  const server = await PostgresServer.start();
  await makeTables(server.url);
  const { sql, close } = await POSTGRES_CLIENTS["pg Client"]!(server.url);
  const client = sql as { query: PgQuery };
  const { add, reads } = counter();
  const query: PgQuery = async (...args) => {
    const answer = await client.query(...args);
    add(answer.rows.length);
    return answer;
  };
  return {
    store: new PostgresStore({ sql: { query }, clock }),
    reads,
    async [Symbol.asyncDispose]() {
      await close();
      await server.stop();
    },
  };
}

type PgQuery = (...args: unknown[]) => Promise<{ rows: object[] }>;

function openSqlite(clock: () => number): Promise<Counted> {
  const db = new DatabaseSync(":memory:");
  db.exec(SqliteStore.schema());
  const { add, reads } = counter();
  const counted = {
    exec: (text: string) => db.exec(text),
    prepare(text: string) {
      const statement = db.prepare(text);
      return {
        all(...values: (string | number | null)[]) {
          const rows = statement.all(...values);
          add(rows.length);
          return rows;
        },
      };
    },
  };
  const store = new SqliteStore({ db: counted, clock });
  return Promise.resolve({
    store,
    reads,
    [Symbol.asyncDispose]: () => Promise.resolve(db.close()),
  });
}

function openCookies(clock: () => number): Promise<Counted> {
  const { add, reads } = counter();
  const revocations = new Revocations(counting(new MapStore({ maxEntries: Infinity, clock }), add));
  const store = new EncryptedCookieStore({ secret: SECRET, revocations, clock });
  return Promise.resolve({ store, reads, [Symbol.asyncDispose]: () => Promise.resolve() });
}

const OPEN: Record<string, [open: (clock: () => number) => Promise<Counted>, ignore: boolean]> = {
  DenoKvStore: [openDenoKv, false],
  RedisStore: [openRedis, skipRedis()],
  PostgresStore: [openPostgres, skipPostgres()],
  SqliteStore: [openSqlite, false],
  DynamoDbStore: [openDynamoDb, DYNALITE.ignore],
  "EncryptedCookieStore with revocations": [openCookies, false],
};

for (const [name, [open, ignore]] of Object.entries(OPEN)) {
  Deno.test({
    name: `${name} reads no more of a list than a page of it`,
    ignore,
    async fn() {
      const clock = new FakeClock();
      await using counted = await open(clock.now);
      const sessions = createSessions({ store: counted.store, clock: clock.now });
      const sids: string[] = [];
      for (let made = 0; made < SESSIONS; made++) {
        sids.unshift((await sessions.create({}, { subject: ADA })).sid);
        // As many as a page begin at the same time, now and then.
        if (made % 3 > 0) clock.advance(1);
      }
      counted.reads();
      const shown: string[] = [];
      for (
        let cursor: string | undefined, pages = 0;
        cursor !== undefined || pages === 0;
        pages++
      ) {
        const list = sessions.list(ADA, { limit: LIMIT, cursor });
        for await (const { sid } of list) shown.push(sid);
        cursor = list.cursor;
        const reads = counted.reads();
        // One more tells whether there is another page, and one is the place before it. Cookies need one of the subject too.
        assert(reads <= 2 * LIMIT, `${reads} records were read for page ${pages}`);
      }
      assertEquals(shown.toSorted(), sids.toSorted());
      assertEquals(new Set(shown).size, SESSIONS);
    },
  });
}
