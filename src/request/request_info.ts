import type { InnerCommits } from "../commit/context.ts";
import type { Reach } from "../record/expiry.ts";
import type { SessionObject } from "../session/session_object.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { VisitConfig, VisitOptions } from "./config.ts";

/** What a response shows of a session. */
interface Shown {
  readonly session: SessionObject;
  readonly accessToken: string | undefined;
}

/** The answer to the request of a visit: it is told when there is another session, or another token of it. */
export interface VisitWatcher extends InnerCommits {
  /** Whether the client gets its cookies. */
  readonly reach: Reach;
  changed(shown: Shown): void;
}

/** What is known of a request, whatever becomes of its session. */
export class RequestInfo {
  readonly config: VisitConfig;
  watcher: VisitWatcher | undefined;
  protected readonly options: VisitOptions;
  #committed = false;

  constructor(config: VisitConfig, options: VisitOptions) {
    this.config = config;
    this.options = options;
  }

  generationOf(subject: string): Awaitable<number> {
    return this.config.store.generation(subject, this.options.c);
  }

  /** Whether the store failed, so that nobody knows whose session it is. */
  get isOutage(): boolean {
    return this.options.outage === true;
  }

  get committed(): boolean {
    return this.#committed;
  }

  get cameAt(): number {
    return this.#committed || !this.watcher ? Infinity : this.options.cameAt ?? Infinity;
  }

  get reach(): Reach {
    // Without a cookie nothing has to reach the client.
    if (this.options.by === "token") return "sure";
    return this.watcher?.reach ?? "none";
  }

  /** Tells that the response has left. */
  leave(): void {
    this.#committed = true;
  }

  /** The JSON text of what the session changed of the cookie that the client came with. */
  get held(): string | undefined {
    const { by, stored } = this.options;
    return by === "cookie" ? stored?.record.cookie : undefined;
  }
}
