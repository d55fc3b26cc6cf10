import type { CommitConfig } from "../commit/context.ts";
import type { Stored } from "../record/record.ts";
import type { SessionObject } from "../session/session_object.ts";
import type { LateChanges } from "./unsaved_changes.ts";

/** What a visit works with. */
export interface VisitConfig extends CommitConfig {
  /** The JSON text of the data that a new session has. */
  readonly initial: () => string;
  readonly allowOverwrite: boolean;
  readonly canSaveLate: boolean;
  /** Warns of changes that nobody saves. */
  readonly late: LateChanges;
  /** Makes the token for clients that keep no cookies. */
  readonly issue:
    | ((stored: Stored, session: SessionObject, c: unknown) => Promise<string>)
    | undefined;
}

/** What came of a request. */
export interface Outcome {
  readonly request: Request;
  /** The status of the answer. */
  readonly status: number;
  /** Whether changes of data are kept. */
  readonly keepChanges: boolean;
}

/** What a visit begins with. */
export interface VisitOptions {
  readonly c: unknown;
  /** What a live session was found by. */
  readonly by?: "cookie" | "token" | undefined;
  /** Whether the client presented a cookie that opens nothing. */
  readonly stale?: boolean;
  readonly stored?: Stored | undefined;
  /** When the request came, in epoch milliseconds. */
  readonly cameAt?: number;
  /** The JSON text of the data, where they are not what is stored. */
  readonly shown?: string | undefined;
  /** The trace of the token that the client presented, where that was rotated. */
  readonly via?: Stored | undefined;
  /** Whether the store failed, so that nobody knows whose session it is. */
  readonly outage?: boolean;
}
