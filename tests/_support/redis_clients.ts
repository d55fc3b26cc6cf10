import { Buffer } from "node:buffer";
import type { RedisClientLike } from "@x/hono-session/stores/redis";
import { Cluster, Redis } from "ioredis";
import { Cluster as Cluster4, default as Redis4 } from "ioredis-4";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis-5";
import { Cluster as Cluster50, default as Redis50 } from "ioredis-5.0";
import { Cluster as Cluster542, Redis as Redis542 } from "ioredis-5.4.2";
import { Cluster as ClusterIov, Redis as RedisIov } from "iovalkey";
import { createClient, createClientPool, createCluster, RESP_TYPES } from "redis";
import { createClient as createClient4, createCluster as createCluster4 } from "redis-4";
import {
  createClient as createClient5,
  createClientPool as createClientPool5,
  createCluster as createCluster5,
} from "redis-5";

export interface RedisConnection {
  client: RedisClientLike;
  close(): unknown;
}

/** Failures of connections, which the clients report besides rejecting commands. */
const ignore = () => {};

/** Every client of one server, connected. */
export const CLIENTS: Record<string, (url: string) => Promise<RedisConnection>> = {
  async "node-redis 6"(url) {
    const client = await createClient({ url }).on("error", ignore).connect();
    return { client, close: () => client.destroy() };
  },
  async "node-redis 6 pool"(url) {
    const client = createClientPool({ url });
    client.on("error", ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async "node-redis 5"(url) {
    const client = await createClient5({ url }).on("error", ignore).connect();
    return { client, close: () => client.destroy() };
  },
  async "node-redis 4"(url) {
    const client = await createClient4({ url }).on("error", ignore).connect();
    return { client, close: () => client.disconnect() };
  },
  "ioredis 6": (url) => connected(new Redis(url, { lazyConnect: true })),
  "ioredis 5": (url) => connected(new Redis5(url, { lazyConnect: true })),
};

/** Every client of a cluster, connected. */
export const CLUSTER_CLIENTS: Record<string, (urls: string[]) => Promise<RedisConnection>> = {
  async "node-redis 6 cluster"(urls) {
    const client = createCluster({ rootNodes: urls.map((url) => ({ url })) });
    await client.on("error", ignore).connect();
    return { client, close: () => client.destroy() };
  },
  async "node-redis 5 cluster"(urls) {
    const client = createCluster5({ rootNodes: urls.map((url) => ({ url })) });
    await client.on("error", ignore).connect();
    return { client, close: () => client.destroy() };
  },
  async "node-redis 4 cluster"(urls) {
    const client = createCluster4({ rootNodes: urls.map((url) => ({ url })) });
    await client.on("error", ignore).connect();
    return { client, close: () => client.quit() };
  },
  "ioredis 6 cluster": (urls) => connected(new Cluster(urls, { lazyConnect: true })),
  "ioredis 5 cluster": (urls) => connected(new Cluster5(urls, { lazyConnect: true })),
};

/** A client as it is set up in other ways, with a prefix for keys of its own where one is told. */
type Variant<Where> = (where: Where, keyPrefix: string) => Promise<RedisConnection>;

const BUFFERS = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SIMPLE_STRING]: Buffer };

/** What else there is for one server. */
export const VARIANTS: Record<string, Variant<string>> = {
  async "node-redis 6, RESP 2"(url, keyPrefix) {
    const client = await createClient({ url, keyPrefix, RESP: 2 }).on("error", ignore).connect();
    return { client, close: () => client.destroy() };
  },
  async "node-redis 6 that answers Buffers"(url, keyPrefix) {
    const commandOptions = { typeMapping: BUFFERS };
    const client = await createClient({ url, keyPrefix, commandOptions }).on("error", ignore)
      .connect();
    return { client, close: () => client.destroy() };
  },
  async "node-redis 6 pool with keyPrefix"(url, keyPrefix) {
    const client = createClientPool({ url, keyPrefix });
    client.on("error", ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async "node-redis 5, RESP 3"(url) {
    const client = await createClient5({ url, RESP: 3 }).on("error", ignore).connect();
    return { client, close: () => client.destroy() };
  },
  async "node-redis 5, withTypeMapping"(url) {
    const client = await createClient5({ url }).on("error", ignore).connect();
    return { client: client.withTypeMapping(BUFFERS), close: () => client.destroy() };
  },
  async "node-redis 5 pool"(url) {
    const client = createClientPool5({ url });
    client.on("error", ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  "ioredis 6": (url, keyPrefix) => connected(new Redis(url, { keyPrefix, lazyConnect: true })),
  "ioredis 6, RESP 2": (url, keyPrefix) =>
    connected(new Redis(url, { keyPrefix, lazyConnect: true, protocol: 2 })),
  "ioredis 6, auto pipelining": (url, keyPrefix) =>
    connected(new Redis(url, { keyPrefix, lazyConnect: true, enableAutoPipelining: true })),
  "ioredis 6, stringNumbers": (url, keyPrefix) =>
    connected(new Redis(url, { keyPrefix, lazyConnect: true, stringNumbers: true })),
  "ioredis 5": (url, keyPrefix) => connected(new Redis5(url, { keyPrefix, lazyConnect: true })),
  "ioredis 5.4.2": (url, keyPrefix) =>
    connected(new Redis542(url, { keyPrefix, lazyConnect: true })),
  "ioredis 5.0": (url, keyPrefix) =>
    connected(new Redis50.default(url, { keyPrefix, lazyConnect: true })),
  "ioredis 4": (url, keyPrefix) => connected(new Redis4(url, { keyPrefix, lazyConnect: true })),
  iovalkey: (url, keyPrefix) => connected(new RedisIov(url, { keyPrefix, lazyConnect: true })),
};

/** What else there is for a cluster. */
export const CLUSTER_VARIANTS: Record<string, Variant<string[]>> = {
  async "node-redis 6 cluster"(urls, keyPrefix) {
    const client = createCluster({ keyPrefix, rootNodes: urls.map((url) => ({ url })) });
    await client.on("error", ignore).connect();
    return { client, close: () => client.destroy() };
  },
  "node-redis 5 cluster": CLUSTER_CLIENTS["node-redis 5 cluster"]!,
  "node-redis 4 cluster": CLUSTER_CLIENTS["node-redis 4 cluster"]!,
  ...clusterVariants("ioredis 6 cluster", (urls, options) => new Cluster(urls, options)),
  ...clusterVariants("ioredis 5 cluster", (urls, options) => new Cluster5(urls, options)),
  ...clusterVariants("ioredis 5.4.2 cluster", (urls, options) => new Cluster542(urls, options)),
  ...clusterVariants("ioredis 5.0 cluster", (urls, options) => new Cluster50(urls, options)),
  ...clusterVariants("ioredis 4 cluster", (urls, options) => new Cluster4(urls, options)),
  ...clusterVariants("iovalkey cluster", (urls, options) => new ClusterIov(urls, options)),
};

/** What ioredis of any version is in common. */
type AnyIoredis = RedisClientLike & {
  on(event: "error", listener: () => void): unknown;
  connect(): Promise<unknown>;
  disconnect(): void;
};

interface ClusterOptions {
  lazyConnect: true;
  enableAutoPipelining: boolean;
  keyPrefix: string;
  redisOptions: { keyPrefix: string };
}

function clusterVariants(
  name: string,
  open: (urls: string[], options: ClusterOptions) => AnyIoredis,
): Record<string, Variant<string[]>> {
  const variant = (enableAutoPipelining: boolean): Variant<string[]> => (urls, keyPrefix) => {
    const redisOptions = { keyPrefix };
    const options = { keyPrefix, redisOptions, enableAutoPipelining, lazyConnect: true } as const;
    return connected(open(urls, options));
  };
  return { [name]: variant(false), [`${name}, auto pipelining`]: variant(true) };
}

async function connected(client: AnyIoredis): Promise<RedisConnection> {
  client.on("error", ignore);
  await client.connect();
  return { client, close: () => client.disconnect() };
}
