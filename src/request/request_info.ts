import type { InnerCommits } from "../commit/context.ts";
import { providerEndsOf } from "../commit/provider_login.ts";
import type { CookieDelivery } from "../record/renewal.ts";
import { refuseEnded } from "../session/ended_session.ts";
import { refuseChange, type Unavailable } from "../session/unavailable_session.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { RequestConfig, RequestSessionOptions } from "./config.ts";

/** The response to a request, as its session sees it. */
export interface SessionObserver extends InnerCommits {
  /** Whether the client receives its cookies. */
  readonly cookieDelivery: CookieDelivery;
  /** Checks whether the response can show flashed values. */
  canShowFlash(status: number): boolean;
}

/** The properties of a request that do not depend on its session. */
export class RequestInfo {
  readonly config: RequestConfig;
  observer: SessionObserver | undefined;
  protected readonly c: unknown;
  protected readonly options: RequestSessionOptions;
  /** Why the session of the client is not available, until the handler starts another one. */
  unavailable: Unavailable | undefined;
  /** Whether the response has been sent. */
  committed = false;

  constructor(config: RequestConfig, options: RequestSessionOptions) {
    this.config = config;
    this.c = options.c;
    this.options = options;
    this.unavailable = options.unavailable;
  }

  generationOf(subject: string): Awaitable<number> {
    return this.config.store.generation(subject, this.c);
  }

  providerEndsOf(provider: string, subject: string): Awaitable<readonly number[]> {
    return providerEndsOf(this.config, { provider, subject }, this.c);
  }

  /** @throws {SessionError} When the session of the client is not available, so that it can't be changed. */
  assertAvailable(): void {
    if (this.unavailable) refuseChange(this.unavailable);
  }

  /**
   * Lets the handler start another session instead of one whose device has given no proof.
   *
   * @throws {SessionStoreError} When the store failed.
   */
  beginLogin(): void {
    if (this.unavailable === "device") this.unavailable = undefined;
    this.assertAvailable();
  }

  /** @throws {SessionError} Always: there is no session that can be changed. */
  refuseChange(): never {
    this.assertAvailable();
    return refuseEnded("change");
  }

  get receivedAt(): number {
    return this.committed || !this.observer ? Infinity : this.options.receivedAt ?? Infinity;
  }

  get cookieDelivery(): CookieDelivery {
    // With an access token no cookie has to reach the client.
    if (this.options.by === "token") return "sure";
    return this.observer?.cookieDelivery ?? "none";
  }

  /** Whether the loaded session concerns the cookie of the client: not if an access token identified it. */
  protected get isLoadedForClient(): boolean {
    const { by } = this.options;
    // A response without cookies leaves the cookie of the other library, which is accepted again.
    return by === "adopted" ? this.cookieDelivery !== "none" : by !== "token";
  }

  /** Records that the response has been sent. */
  leave(): void {
    this.committed = true;
  }

  /** Whether the client presented a cookie that identifies no session. */
  get isStale(): boolean {
    return this.options.stale === true;
  }

  /** The changed attributes of the cookie in the request, as JSON text. */
  get held(): string | undefined {
    const { by, stored } = this.options;
    return by === "cookie" ? stored?.record.cookie : undefined;
  }
}
