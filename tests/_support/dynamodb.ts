import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import dynalite from "dynalite";
import { requireOrSkip } from "./available.ts";
import { findDynamoDbLocal, spawnDynamoDbLocal } from "./dynamodb_local.ts";
import { freePort } from "./server_process.ts";

/** How long a server may take to start, in milliseconds. */
const PATIENCE = 120_000;

const decoder = new TextDecoder();

/** The tables that every server has. */
export const TABLES = {
  /** As the store expects it by default. */
  plain: { name: "sessions", keys: ["pk"] },
  /** With a sort key. */
  sorted: { name: "sorted-sessions", keys: ["pk", "sk"] },
  /** With names that are reserved words of DynamoDB's expressions. */
  reserved: { name: "reserved-sessions", keys: ["table", "name"] },
  /** Shared with other items, and with indexes over attributes that a record has with another type. */
  shared: {
    name: "shared-items",
    keys: ["pk", "sk"],
    indexes: ["createdAt", "expiresAt", "generation"],
  },
};

/** A server that speaks the protocol of DynamoDB. */
export interface Server {
  readonly name: string;
  /** Whether it is missing here. */
  readonly ignore: boolean;
  readonly hasTransactions: boolean;
  /** Starts it, with its tables. */
  start(): Promise<RunningServer>;
}

/** A server that runs until it is disposed of. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number;
}

/** A request as it went over the wire. */
export interface Request {
  readonly operation: string;
  // deno-lint-ignore no-explicit-any
  readonly input: any;
}

/** Lets a request pass. */
export function direct<Answer>(send: () => Promise<Answer>, _request: Request): Promise<Answer> {
  return send();
}

/** A client of the real SDK that tells what it sends and into which a test may reach. */
export class TestClient implements Disposable {
  readonly client: DynamoDBClient;
  readonly document: DynamoDBDocument;
  /** Every attempt to send a request, those that the SDK repeats included. */
  readonly requests: Request[] = [];
  /** What happens around every attempt, where the SDK decides whether to repeat it. */
  around = direct;
  /** Where to send to from now on. */
  port: number;

  constructor(port: number, config: DynamoDBClientConfig = {}) {
    this.port = port;
    this.client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${port}`,
      region: "local",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      ...config,
    });
    this.client.middlewareStack.add((next, context) => (args) => {
      const sent = args.request as { body: Uint8Array; port: number };
      sent.port = this.port;
      const operation = String(context.commandName).replace("Command", "");
      const request = { operation, input: JSON.parse(decoder.decode(sent.body)) };
      this.requests.push(request);
      return this.around(() => next(args), request);
    }, { step: "finalizeRequest", priority: "low" });
    this.document = DynamoDBDocument.from(this.client);
  }

  [Symbol.dispose](): void {
    this.client.destroy();
  }
}

/** Starts dynalite, which tells how many connections it holds. */
export async function startDynalite(): Promise<
  RunningServer & { connections(): Promise<number> }
> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await createTables(port);
  return {
    port,
    connections: () =>
      new Promise((resolve) =>
        server.getConnections((_error: unknown, count: number) => resolve(count))
      ),
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

/** An imitation in this process. */
export const DYNALITE: Server = {
  name: "dynalite",
  ignore: false,
  hasTransactions: false,
  start: startDynalite,
};

const local = await findDynamoDbLocal();

const DYNAMODB_LOCAL: Server = {
  name: "DynamoDB Local",
  ignore: requireOrSkip(
    "DynamoDB Local",
    local !== undefined,
    "apt-get install default-jre-headless npm",
  ),
  hasTransactions: true,
  async start() {
    const port = freePort();
    const child = spawnDynamoDbLocal(local!, port);
    const stop = async () => {
      await child.stdin.close();
      await child.status;
    };
    try {
      await createTables(port);
    } catch (error) {
      await stop();
      throw error;
    }
    return { port, [Symbol.asyncDispose]: stop };
  },
};

/** The servers to test with. */
export const SERVERS: readonly Server[] = [DYNALITE, DYNAMODB_LOCAL];

/** Creates a table with a sort key `sk` that no other test uses, and gives its name. */
export async function makeTable({ client }: TestClient): Promise<string> {
  const table = { ...TABLES.sorted, name: `sessions-${crypto.randomUUID()}` };
  await client.send(toCreate(table));
  // dynalite goes on creating it for a moment.
  const describe = new DescribeTableCommand({ TableName: table.name });
  while ((await client.send(describe)).Table?.TableStatus !== "ACTIVE");
  return table.name;
}

/** Creates the tables, as soon as the server answers. */
async function createTables(port: number): Promise<void> {
  using client = new TestClient(port);
  const end = performance.now() + PATIENCE;
  for (const table of Object.values(TABLES)) {
    const command = toCreate(table);
    for (;;) {
      try {
        await client.client.send(command);
        break;
      } catch (error) {
        if (performance.now() > end || !isRefused(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }
}

function toCreate(
  { name, keys, indexes = [] }: { name: string; keys: string[]; indexes?: string[] },
): CreateTableCommand {
  return new CreateTableCommand({
    TableName: name,
    AttributeDefinitions: [...keys, ...indexes].map((name) => ({
      AttributeName: name,
      AttributeType: "S",
    })),
    KeySchema: keys.map((name, index) => ({
      AttributeName: name,
      KeyType: index === 0 ? "HASH" : "RANGE",
    })),
    ...(indexes.length > 0 && {
      GlobalSecondaryIndexes: indexes.map((name) => ({
        IndexName: `by-${name}`,
        KeySchema: [{ AttributeName: name, KeyType: "HASH" }],
        Projection: { ProjectionType: "KEYS_ONLY" },
      })),
    }),
    BillingMode: "PAY_PER_REQUEST",
  });
}

function isRefused(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ECONNREFUSED";
}
