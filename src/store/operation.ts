import type { SessionStoreError } from "../errors.ts";
import type { Clock } from "../util/clock.ts";
import type { StoreReplacement } from "./contract.ts";
import type { SessionOperations } from "./current_sessions.ts";

/** How long a failed write may still arrive at the store, in milliseconds. */
export const LATEST_WRITE = 600_000;

/** Options of a store whose operations have a time limit. */
export interface TimeoutStoreOptions {
  /** The time limit of one operation, in milliseconds. */
  readonly timeout: number;
  readonly clock: Clock;
  /** The operations on sessions, if they differ from those of the store. */
  readonly sessions?: SessionOperations | undefined;
  /** Called with every failure. */
  onError(operation: string, error: SessionStoreError, c: unknown): void;
}

/** An operation of a store. */
export interface Operation {
  readonly operation: string;
  readonly c: unknown;
  /** The session of a subject that it creates, under a key that nobody knows if the response gets lost. */
  readonly creates?: Pick<StoreReplacement, "key" | "record"> | undefined;
  /** Aborts it, if the store supports it. */
  readonly abort?: AbortController | undefined;
}
