import { STORE_TRIES } from "../../src/util/tries.ts";
import { hasTimer, withoutLateEnds } from "./in_memory.ts";
import type { KvAtomicLike, KvLike } from "./like.ts";
import { type DenoKvStoreOptions, isKv } from "./options.ts";

/** The number of tries while another process writes to the database: for about two seconds. */
const LOCKED_TRIES = 200;

/** Returns the database of the options, and opens it if necessary. */
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
  throw new TypeError("Cannot use DenoKvStore: the promise of option kv resolved to no database");
}

/** Returns the result of a database, or rejects with an error that describes the problem. */
export async function resultOf<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    throw toError(error);
  }
}

/** The error messages of Deno and `@deno/kv` for a closed database. */
const CLOSED_REGEXP = /^Bad resource ID|^Database is closed|after '\.close' is called$/;

/** Converts an error of a database to one that names the way out. */
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
    "Cannot open Deno KV: it is not available; start Deno with --unstable-kv, or pass kv from @deno/kv to the store",
  );
}

/** Commits, and waits while another process writes to the same file. */
export function commit(atomic: KvAtomicLike): ReturnType<KvAtomicLike["commit"]> {
  return atomic.commit().catch((error) => askAgain(error, () => atomic.commit()));
}

/** Retries while another process writes to the same file: SQLite then fails immediately without a change. */
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

/** Retries a write until it has a result; `false` when other writes were first each time. */
export async function untilDone<Result>(
  attempt: (isFirst: boolean) => Promise<Result | undefined>,
): Promise<Result | false> {
  for (let tries = 0; tries < STORE_TRIES; tries++) {
    if (tries > 1) await pause(tries);
    const answer = await attempt(tries === 0);
    if (answer !== undefined) return answer;
  }
  return false;
}

/**
 * Retries a write that ends sessions until it has a result.
 *
 * @throws {Error} When other writes were first each time.
 */
export async function untilEnded(
  attempt: () => Promise<number | undefined>,
): Promise<number> {
  const result = await untilDone(attempt);
  if (result !== false) return result;
  throw new Error("Cannot end sessions: there were too many concurrent writes; try again");
}

/** Waits with growing, random pauses. */
export function pause(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * tries));
}
