import { emit, type Logger, type SessionEvents } from "../events.ts";
import type { SessionEndReason } from "../record/end_reason.ts";
import type { Contents } from "../record/contents.ts";
import type { ExpiryPolicy } from "../record/expiry.ts";
import type { RenewingRequest } from "../record/renewal.ts";
import type { JsonObject } from "../record/json_object.ts";
import type { MergeVersions } from "../record/merge.ts";
import { NOTHING_PENDING, type PendingChanges } from "../record/pending_changes.ts";
import type { SessionRecord, StoredSession } from "../record/record.ts";
import type { DataReader } from "../record/schema.ts";
import type { SessionState } from "../session/session_state.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";
import type { KeyedQueue } from "../util/keyed_queue.ts";
import type { ConflictRetry } from "./conflict_retry.ts";
import type { KeyChange } from "./key_change.ts";
import type { SharedRenewals } from "./shared_renewals.ts";
import type { RotationPolicy } from "./rotation.ts";

/** The limit of the sessions of a subject. */
export interface SessionLimit {
  readonly limit: number;
  readonly policy: "evict-oldest" | "reject";
}

/** The part of the configuration that commits use. */
export interface CommitConfig {
  readonly store: TimeoutStore;
  /** The same store, for records that are not sessions: `revokeEverything()` does not end them. */
  readonly records: TimeoutStore;
  readonly clock: Clock;
  /** A clock that never returns the same time twice. */
  readonly instant: Clock;
  readonly expiry: ExpiryPolicy;
  readonly events: SessionEvents;
  readonly logger: Logger;
  readonly queue: KeyedQueue;
  readonly renewals: SharedRenewals;
  readonly rotation: RotationPolicy | undefined;
  /** The name of the cookie of new sessions. */
  readonly cookieName: string;
  readonly limit: SessionLimit | undefined;
  readonly ends: EndListener;
  /** Migrates and validates stored data. */
  readonly readData: DataReader | undefined;
  /** The scope of the sessions of this request. */
  readonly scope: ((c: unknown) => string) | undefined;
}

/** An end of sessions that is under way. */
export interface Ending {
  readonly reason: SessionEndReason;
  /** Whether a session is among them. */
  includes(stored: StoredSession): boolean;
}

/** Receives the ends of sessions. */
export interface EndListener {
  /** Called when this process has ended a session. */
  ended(sid: string, reason: SessionEndReason): void;
  /** Runs a function that ends sessions. A poll that meanwhile finds one of them gone reports the reason of `ending`. */
  expecting<Result>(ending: Ending, run: () => Promise<Result>): Promise<Result>;
  /** Called when the request of a session has ended it, or found that it has ended. */
  endedHere(state: SessionState, reason: SessionEndReason): void;
}

/** The session as an inner request has left it. */
export type InnerCommit = StoredSession | "ended";

/** Detects whether an inner request has produced the response, as with Hono's `methodOverride`. */
export interface InnerCommits {
  innerCommit(): Awaitable<InnerCommit | undefined>;
}

/** Options of a commit. */
export interface CommitOptions {
  readonly state: SessionState;
  /** Whether only `regenerate()` is committed. Other changes stay pending. */
  readonly onlyToken?: boolean;
  /** Whether the flashed values of the previous request are dropped. */
  readonly consumeFlash?: boolean;
  /** Whether an empty new session is stored. */
  readonly storeEmpty?: boolean;
  /** Whether the token may be rotated: a cookie can still be sent. */
  readonly rotate?: boolean;
  /** The request that may renew the session, if it is not the session's own. */
  readonly request?: RenewingRequest;
  /** Finds the commit of an inner request. */
  readonly inner?: InnerCommits | undefined;
  /** A change of one key. Of the pending changes only `regenerate()` is committed with it. */
  readonly change?: KeyChange;
}

/** One write over a stored record. */
export interface Plan {
  readonly operation: "update" | "replace" | "rotate" | "touch";
  readonly record: SessionRecord;
  readonly renewal: boolean;
  /** Whether the token must be sent to the client again. */
  readonly sendsCookie: boolean;
  /** The end of the grace period of the previous token, if it starts. */
  readonly graceUntil: number | undefined;
}

/** A token, if it is known, and its key. */
export type Place = Omit<StoredSession, "record">;

/** The work of a commit: the changes of the request, or only what is due by itself, such as a renewal. */
export type Work = "changes" | "due";

/** One commit of a session: its configuration, options and state, and the current try. */
export class CommitContext implements MergeVersions {
  readonly config: CommitConfig;
  readonly state: SessionState;
  readonly options: CommitOptions;
  readonly c: unknown;
  work: Work | undefined;
  /** The contents of the session, while they are known to be current. */
  held: Contents | undefined;
  /** The commit of an inner request. */
  inner: InnerCommit | undefined;
  /** The changes that were pending when the commit started. */
  pending: PendingChanges = NOTHING_PENDING;
  /** The `sid` of the session that this new one replaces: another request has given that session another token. */
  replaced: string | undefined;
  /** Counts the tries after a conflict. */
  retry: ConflictRetry | undefined;

  declare base: Contents;
  declare shown: Contents;
  declare mine: Contents;
  declare theirs: Contents;
  declare newer: Contents;
  /** The stored session that it overwrites; `undefined` for a new session. */
  declare current: StoredSession | undefined;
  /** The contents that it writes. */
  declare contents: Contents;
  declare next: Plan;
  /** The token under which it writes, and its key. */
  declare place: Place;

  constructor(config: CommitConfig, options: CommitOptions, c: unknown) {
    this.config = config;
    this.state = options.state;
    this.options = options;
    this.c = c;
  }

  /** Emits an event that has only a `sid`. */
  emit(name: "created" | "regenerated" | "renewed" | "rotated" | "interrupted"): void {
    emit(this.config, name, { sid: this.state.sid }, this.c);
  }

  /** Emits `updated` with the keys that a write has changed, if there is a listener. */
  emitUpdated(before: JsonObject, now: JsonObject): void {
    if (!this.config.events.updated || now === before) return;
    const keys = now.keysUnlike(before);
    if (keys.length > 0) emit(this.config, "updated", { sid: this.state.sid, keys }, this.c);
  }

  /** Ends the session in this request because it was ended elsewhere. */
  interrupt(): void {
    this.state.interrupted();
    this.config.ends.endedHere(this.state, "ended");
    this.emit("interrupted");
  }
}
