import { STORE_TRIES } from "../../src/util/tries.ts";
import { hasTimer, withoutLateEnds } from "./in_memory.ts";
import type { KvAtomicLike, KvLike } from "./like.ts";
import { type DenoKvStoreOptions, isKv } from "./options.ts";

/** How often a database is asked that another process is writing to: for about two seconds. */
const LOCKED_TRIES = 200;

/** The database that options name, opened if it is not open yet. */
export async function findKv({ kv, path }: DenoKvStoreOptions): Promise<KvLike> {
  if (kv === undefined) {
    try {
      return await open(path);
    } catch (error) {
      return await askAgain(error, async () => await open(path));
    }
  }
  const found: unknown = await kv;
  if (isKv(found)) return hasTimer(found) ? withoutLateEnds(found) : found;
  throw new TypeError("Cannot use DenoKvStore: the promise of option kv gave no database");
}

/** The same answer of a database, or an error that says what is wrong with it. */
export async function told<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    throw toError(error);
  }
}

/** What Deno and `@deno/kv` say of a database that is closed. */
const CLOSED_REGEXP = /^Bad resource ID|^Database is closed|after '\.close' is called$/;

/** What an error of a database is, in words that name the way out. */
export function toError(error: unknown): unknown {
  if (!(error instanceof Error && CLOSED_REGEXP.test(error.message))) return error;
  const cause = { cause: error };
  return new Error(
    "Cannot use DenoKvStore: its database is closed, keep it open while the app runs",
    cause,
  );
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
export async function commit(atomic: KvAtomicLike): ReturnType<KvAtomicLike["commit"]> {
  try {
    return await atomic.commit();
  } catch (error) {
    return await askAgain(error, () => atomic.commit());
  }
}

/** Asks again after an error while another process writes to the same file, for which SQLite refuses at once and does nothing. */
async function askAgain<Result>(error: unknown, ask: () => Promise<Result>): Promise<Result> {
  let reason = error;
  for (let tries = 1; isLocked(reason) && tries < LOCKED_TRIES; tries++) {
    await pause(Math.min(tries, 10));
    try {
      return await ask();
    } catch (error) {
      reason = error;
    }
  }
  throw toError(reason);
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && error.message.includes("database is locked");
}

/** Tries a write until there is an answer; `false` when others are faster each time. */
export async function untilDone(
  attempt: (isFirst: boolean) => Promise<boolean | undefined>,
): Promise<boolean> {
  for (let tries = 0; tries < STORE_TRIES; tries++) {
    if (tries > 1) await pause(tries);
    const answer = await attempt(tries === 0);
    if (answer !== undefined) return answer;
  }
  return false;
}

/** Names a write. It need only differ between writers of the same version of the same session. */
export function makeWrite(): string {
  return Math.floor(Math.random() * 36 ** 7).toString(36);
}

/** Waits a while that grows with the tries and that no two requests share. */
export function pause(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * tries));
}
