import type { CommitConfig } from "../commit/context.ts";
import type { DeviceProofs } from "../device/device_proofs.ts";
import type { SessionEnds } from "../live/session_ends.ts";
import type { StoredSession } from "../record/record.ts";
import type { SessionObject } from "../session/session_object.ts";
import type { Unavailable } from "../session/unavailable_session.ts";
import type { StoreGeneration } from "../store/store_generation.ts";
import type { UnsavedChanges } from "./unsaved_changes.ts";

/** The sessions of another library, and how they are read. */
export interface AdoptConfig {
  /** The name of the cookie. */
  readonly cookie: string;
  /** From this time on none is adopted, in epoch milliseconds. */
  readonly until: number;
  readonly read: (value: string, c: unknown) => unknown;
}

/** Where a credential was: in our cookie, in a token, or in the cookie of another library. */
export type CredentialKind = "cookie" | "token" | "adopted";

/** The part of the configuration that the session of a request uses. */
export interface RequestConfig extends CommitConfig {
  /** Returns the JSON text of the initial data. */
  readonly initial: () => string;
  readonly allowOverwrite: boolean;
  /** How sessions of another library are adopted. */
  readonly adopt: AdoptConfig | undefined;
  /** The generation of all sessions, with the option `revokeEverything`. */
  readonly generation: StoreGeneration | undefined;
  /** Whether the changes of a request that failed are committed. */
  readonly commitOnError: boolean;
  /** The result of a request whose session can't be loaded: an error, or an empty session. */
  readonly onStoreError: "error" | "anonymous";
  /** Aborts the `ended` signals of sessions. */
  readonly ends: SessionEnds;
  /** Warns of unsaved changes after the response. */
  readonly unsavedChanges: UnsavedChanges;
  /** Binds sessions to devices. */
  readonly device: DeviceProofs | undefined;
  /** Issues the access token for clients without cookies. */
  readonly issue:
    | ((stored: StoredSession, session: SessionObject, c: unknown) => Promise<string>)
    | undefined;
}

/** The session of a request, as it was loaded. */
export interface RequestSessionOptions {
  readonly c: unknown;
  /** The kind of the credential that identified it. */
  readonly by?: CredentialKind | undefined;
  /** Whether the client presented a cookie that identifies no session. */
  readonly stale?: boolean;
  readonly stored?: StoredSession | undefined;
  /** Functions that end the sessions of its other cookies with this one: otherwise one would come back after a logout. */
  readonly others?: readonly (() => Promise<void>)[];
  /** The time at which the request arrived, in epoch milliseconds. */
  readonly receivedAt?: number;
  /** The JSON text of the data, if they differ from the stored data. */
  readonly shown?: string | undefined;
  /** The trace of the token that the client presented, if it was rotated. */
  readonly presentedTrace?: StoredSession | undefined;
  /** Why the session of the client is not available, if there may be one. */
  readonly unavailable?: Unavailable;
}
