import { RedisServer, until } from "./redis.ts";
import { freePort } from "./server_process.ts";

const HOSTNAME = "127.0.0.1";
const SLOTS = 16_384;
const MASTERS = 3;
/** After how long a node takes another for gone, in milliseconds. */
const NODE_TIMEOUT = 1000;

/** The slots from the first to the last, and the ports of their master and its replicas. */
interface Range {
  first: number;
  last: number;
  ports: number[];
}

interface Node {
  server: RedisServer;
  busPort: number;
}

export interface RedisClusterOptions {
  /** How many replicas each master has. */
  replicas?: number;
}

/** A Redis Cluster of three masters of their own, with a third of the slots each, which ends with the tests. */
export class RedisCluster implements AsyncDisposable {
  /** The masters of the start, then their replicas in the same order. */
  readonly nodes: readonly RedisServer[];
  /** When the masters vote for a replica again. */
  #votesAgainAt = 0;

  private constructor(nodes: RedisServer[]) {
    this.nodes = nodes;
  }

  static async start({ replicas = 0 }: RedisClusterOptions = {}): Promise<RedisCluster> {
    const count = MASTERS * (1 + replicas);
    const starts = await Promise.allSettled(Array.from({ length: count }, startNode));
    const nodes = starts.flatMap((start) => start.status === "fulfilled" ? [start.value] : []);
    const cluster = new RedisCluster(nodes.map(({ server }) => server));
    try {
      for (const start of starts) if (start.status === "rejected") throw start.reason;
      await form(nodes);
      await cluster.settled();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Where clients may begin. */
  get urls(): string[] {
    return this.nodes.map(({ url }) => url);
  }

  /** The node that answers for a key. */
  async masterOf(key: string): Promise<RedisServer> {
    return this.#node((await this.#range(key)).ports[0]);
  }

  /** Makes a replica the master of a key, without losing a write, and gives that replica. */
  async failover(key: string): Promise<RedisServer> {
    const wait = Math.max(0, this.#votesAgainAt - performance.now());
    await new Promise((resolve) => setTimeout(resolve, wait));
    const replica = this.#node((await this.#range(key)).ports[1]);
    await replica.command("CLUSTER", "FAILOVER");
    await until("a replica is the master", async () => await this.masterOf(key) === replica);
    this.#votesAgainAt = performance.now() + 2 * NODE_TIMEOUT;
    await this.settled();
    return replica;
  }

  /** Resolves when all slots are served, and the nodes that answer agree on each other and are up to date. */
  async settled(): Promise<void> {
    await until("the cluster is settled", async () => {
      const answering = this.#answering();
      const infos = await Promise.all(answering.flatMap((node) => [
        node.command("CLUSTER", "INFO"),
        node.command("INFO", "replication"),
      ]));
      if (/cluster_state:fail|master_link_status:down/.test(infos.join())) return false;
      const views = await Promise.all(answering.map(ranges));
      const ports = new Set(views[0]!.flatMap(({ ports }) => ports));
      return ports.size === answering.length && answering.every(({ port }) => ports.has(port)) &&
        new Set(views.map((view) => JSON.stringify(view))).size === 1;
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #answering(): RedisServer[] {
    return this.nodes.filter((node) => node.isAnswering);
  }

  #node(port: number | undefined): RedisServer {
    const node = this.nodes.find((node) => node.port === port);
    if (!node) throw new Error("The cluster has no such node");
    return node;
  }

  async #range(key: string): Promise<Range> {
    const [node] = this.#answering();
    if (!node) throw new Error("No node of the cluster answers");
    const slot = Number(await node.command("CLUSTER", "KEYSLOT", key));
    const range = (await ranges(node)).find(({ first, last }) => first <= slot && slot <= last);
    if (!range) throw new Error(`Nobody serves slot ${slot}`);
    return range;
  }
}

async function startNode(): Promise<Node> {
  const busPort = freePort();
  const server = await RedisServer.start([
    ...["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"],
    ...["--cluster-port", String(busPort), "--cluster-announce-ip", HOSTNAME],
    ...["--cluster-node-timeout", String(NODE_TIMEOUT), "--cluster-allow-reads-when-down", "no"],
    ...["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"],
  ]);
  return { server, busPort };
}

/** Shares the slots among the first nodes, and makes the others their replicas. */
async function form(nodes: Node[]): Promise<void> {
  for (const [i, { server }] of nodes.entries()) {
    await server.command("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    if (i >= MASTERS) continue;
    const first = Math.ceil(i * SLOTS / MASTERS);
    const last = Math.ceil((i + 1) * SLOTS / MASTERS) - 1;
    await server.command("CLUSTER", "ADDSLOTSRANGE", String(first), String(last));
  }
  for (const [i, { server }] of nodes.entries()) {
    for (const { server: { port }, busPort } of nodes.slice(i + 1)) {
      await server.command("CLUSTER", "MEET", HOSTNAME, String(port), String(busPort));
    }
  }
  for (const [i, { server }] of nodes.slice(MASTERS).entries()) {
    const master = String(await nodes[i % MASTERS]!.server.command("CLUSTER", "MYID"));
    await until(
      "a replica knows its master",
      async () => await server.command("CLUSTER", "REPLICATE", master) === "OK",
    );
  }
}

/** Who serves which slots, as a node sees it. */
async function ranges(node: RedisServer): Promise<Range[]> {
  const reply = await node.command("CLUSTER", "SLOTS") as [number, number, ...[string, number][]][];
  return reply.map(([first, last, ...servers]) => ({
    first,
    last,
    ports: servers.map(([, port]) => port),
  }));
}
