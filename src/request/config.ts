import type { CommitConfig } from "../commit/context.ts";
import type { StoredSession } from "../record/record.ts";
import type { SessionObject } from "../session/session_object.ts";
import type { UnsavedChanges } from "./unsaved_changes.ts";

/** The part of the configuration that the session of a request uses. */
export interface RequestConfig extends CommitConfig {
  /** The JSON text of the data that a new session has. */
  readonly initial: () => string;
  readonly allowOverwrite: boolean;
  readonly canSaveAfterResponse: boolean;
  /** Warns of changes that nobody saves. */
  readonly unsavedChanges: UnsavedChanges;
  /** Makes the token for clients that keep no cookies. */
  readonly issue:
    | ((stored: StoredSession, session: SessionObject, c: unknown) => Promise<string>)
    | undefined;
}

/** The outcome of a request. */
export interface RequestOutcome {
  readonly request: Request;
  /** The status of the response. */
  readonly status: number;
  /** Whether changes of data are kept. */
  readonly keepChanges: boolean;
}

/** The session that a request comes with. */
export interface RequestSessionOptions {
  readonly c: unknown;
  /** The kind of the credential that identified it. */
  readonly by?: "cookie" | "token" | undefined;
  /** Whether the client presented a cookie that identifies no session. */
  readonly stale?: boolean;
  readonly stored?: StoredSession | undefined;
  /** When the request came, in epoch milliseconds. */
  readonly receivedAt?: number;
  /** The JSON text of the data, where they are not what is stored. */
  readonly shown?: string | undefined;
  /** The trace of the token that the client presented, where that was rotated. */
  readonly presentedTrace?: StoredSession | undefined;
  /** Whether the session is unknown, as the store failed. */
  readonly unavailable?: boolean;
}
