import type { RedisClientLike } from "@x/hono-session/stores/redis";
import { Cluster, Redis } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis-5";
import { createClient, createClientPool, createCluster } from "redis";
import { createClient as createClient4, createCluster as createCluster4 } from "redis-4";
import { createClient as createClient5, createCluster as createCluster5 } from "redis-5";

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
  async "ioredis 6"(url) {
    const client = new Redis(url, { lazyConnect: true }).on("error", ignore);
    await client.connect();
    return { client, close: () => client.disconnect() };
  },
  async "ioredis 5"(url) {
    const client = new Redis5(url, { lazyConnect: true }).on("error", ignore);
    await client.connect();
    return { client, close: () => client.disconnect() };
  },
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
  async "ioredis 6 cluster"(urls) {
    const client = new Cluster(urls, { lazyConnect: true }).on("error", ignore);
    await client.connect();
    return { client, close: () => client.disconnect() };
  },
  async "ioredis 5 cluster"(urls) {
    const client = new Cluster5(urls, { lazyConnect: true }).on("error", ignore);
    await client.connect();
    return { client, close: () => client.disconnect() };
  },
};
