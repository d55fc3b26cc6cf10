import { emit, type Logger, type SessionEvents } from "../events.ts";
import type { Contents } from "../record/contents.ts";
import type { ExpiryPolicy } from "../record/expiry.ts";
import type { CookieDelivery } from "../record/renewal.ts";
import type { JsonObject } from "../record/json_object.ts";
import { NOTHING_PENDING, type PendingChanges } from "../record/pending_changes.ts";
import type { StoredSession } from "../record/record.ts";
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

/** How many sessions a subject may have. */
export interface SessionLimit {
  readonly limit: number;
  readonly policy: "evict-oldest" | "reject";
}

/** The part of the configuration that commits use. */
export interface CommitConfig {
  readonly store: TimeoutStore;
  readonly clock: Clock;
  /** A clock by which nothing happens at the same time. */
  readonly instant: Clock;
  readonly expiry: ExpiryPolicy;
  readonly events: SessionEvents;
  readonly logger: Logger;
  readonly queue: KeyedQueue;
  readonly renewals: SharedRenewals;
  readonly rotation: RotationPolicy | undefined;
  /** The cookie that sessions are made for. */
  readonly cookieName: string;
  readonly limit: SessionLimit | undefined;
  /** Migrates and validates data that were read. */
  readonly readData: DataReader | undefined;
  /** The scope of the sessions of this request. */
  readonly scope: ((c: unknown) => string) | undefined;
}

/** What a request within this one has made of its session. */
export type InnerCommit = StoredSession | "ended";

/** Finds out whether another request within this one has answered it, as Hono's `methodOverride` does. */
export interface InnerCommits {
  innerCommit(): Awaitable<InnerCommit | undefined>;
}

/** What is committed. */
export interface CommitOptions {
  readonly state: SessionState;
  /** Whether changes of data, and renewals, are kept; `regenerate()` always is. */
  readonly keepChanges: boolean;
  /** Whether the flashed values of the request before are dropped. */
  readonly consumeFlash: boolean;
  /** Whether a new session is stored even if it is empty. */
  readonly storeEmpty?: boolean;
  /** Whether the token may be rotated, as a cookie can still be sent. */
  readonly rotate?: boolean;
  /** Whether the client gets the cookies of the response, if the request does not decide it. */
  readonly cookieDelivery?: CookieDelivery;
  /** Finds the commit of a request within this one. */
  readonly inner?: InnerCommits | undefined;
  /** A change of one key, which is committed alone. */
  readonly change?: KeyChange;
}

/** One commit of a session: what it works with, what is committed, and how far it is. */
export class CommitContext {
  readonly config: CommitConfig;
  readonly state: SessionState;
  readonly options: CommitOptions;
  readonly c: unknown;
  /** The contents of the session, as long as they are known to be these. */
  held: Contents | undefined;
  /** The commit of a request within this one. */
  inner: InnerCommit | undefined;
  /** The changes that were pending when its turn came. */
  pending: PendingChanges = NOTHING_PENDING;
  /** The tries so far, once there was a conflict. */
  retry: ConflictRetry | undefined;

  constructor(config: CommitConfig, options: CommitOptions, c: unknown) {
    this.config = config;
    this.state = options.state;
    this.options = options;
    this.c = c;
  }

  /** Whether the client gets the cookies of the response. */
  get cookieDelivery(): CookieDelivery {
    return this.options.cookieDelivery ?? this.state.cookieDelivery;
  }

  /** Emits an event that says only which session it is about. */
  emit(name: "created" | "regenerated" | "renewed" | "rotated"): void {
    emit(this.config, name, { sid: this.state.sid }, this.c);
  }

  /** Emits the keys of the data that a write has changed, if there is a listener. */
  emitUpdated(before: JsonObject, now: JsonObject): void {
    if (!this.config.events.updated || now === before) return;
    const keys = now.keysUnlike(before);
    if (keys.length > 0) emit(this.config, "updated", { sid: this.state.sid, keys }, this.c);
  }

  /** Ends the session in this request, because it was ended elsewhere. */
  interrupt(): void {
    this.state.interrupted();
    emit(this.config, "interrupted", { sid: this.state.sid }, this.c);
  }
}
