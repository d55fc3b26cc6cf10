import type { KvLike } from "./like.ts";
import type { DenoKvStoreOptions } from "./options.ts";

/**
 * Checks whether a database may notify of writes of other processes: one over KV Connect or on Deno Deploy does, a file does
 * not. The kind of an open database is unknown: it may.
 */
export function isShared({ kv, path }: DenoKvStoreOptions): boolean {
  if (path !== undefined) return /^https?:/.test(path);
  return kv !== undefined || isOnDeploy();
}

function isOnDeploy(): boolean {
  const { Deno } = globalThis as { Deno?: DenoLike };
  const variable = "DENO_DEPLOYMENT_ID";
  // Without the permission, Deno would ask for it.
  const isAllowed = Deno?.permissions?.querySync({ name: "env", variable }).state === "granted";
  return isAllowed && Deno?.env?.get(variable) !== undefined;
}

/** Checks whether a database is Deno's own: a cancelled stream of `@deno/kv` can block the process. */
export function isOfDeno(kv: KvLike): boolean {
  const { Kv } = (globalThis as { Deno?: DenoLike }).Deno ?? {};
  return Kv !== undefined && kv instanceof Kv;
}

/** The part of Deno that is used, if the code runs on it. */
interface DenoLike {
  readonly Kv?: new () => KvLike;
  readonly env?: { get(name: string): string | undefined };
  readonly permissions?: {
    querySync(permission: { name: "env"; variable: string }): { state: string };
  };
}
