import type { KvAtomicLike, KvLike } from "./like.ts";

/** How often a database is asked that another process is writing to: for about two seconds. */
const LOCKED_TRIES = 200;

/** Opens the database of Deno, where there is one. */
export function openKv(path: string | undefined): Promise<KvLike> {
  return unlocked(async () => await open(path));
}

function open(path: string | undefined): Promise<KvLike> {
  const { Deno } = globalThis as { Deno?: { openKv?: (path?: string) => Promise<KvLike> } };
  if (Deno?.openKv) return Deno.openKv(path);
  throw new Error(
    "Cannot open Deno KV: there is none here. Deno needs --unstable-kv; elsewhere give the store a `kv`, " +
      "from @deno/kv",
  );
}

/** Commits, also while another process writes to the same file. */
export function commit(atomic: KvAtomicLike): ReturnType<KvAtomicLike["commit"]> {
  return unlocked(() => atomic.commit());
}

/** Asks again while another process writes to the same file, for which SQLite refuses at once and does nothing. */
async function unlocked<Result>(ask: () => Promise<Result>): Promise<Result> {
  for (let tries = 1;; tries++) {
    try {
      return await ask();
    } catch (error) {
      const locked = error instanceof Error && error.message.includes("database is locked");
      if (!locked || tries === LOCKED_TRIES) throw error;
      await pause(Math.min(tries, 10));
    }
  }
}

/** Waits a while that grows with the tries and that no two requests share. */
export function pause(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * tries));
}
