import { SessionStoreError } from "../errors.ts";
import type { Logger } from "../events.ts";
import type { ExpiryPolicy } from "../record/expiry.ts";
import type { SessionRecord, SessionTimes, StoredSession } from "../record/record.ts";
import { type CookieDelivery, timesOf } from "../record/renewal.ts";
import type { SessionState } from "../session/session_state.ts";
import { andThen, type Awaitable, isPromiseLike, orElse } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";
import { waitFor } from "../util/wait_for.ts";

/** The number of renewals and failures that are remembered, for requests that arrived earlier. */
const MOST_REMEMBERED = 1000;

/** How long a failure affects requests that arrived before it, in milliseconds. A stream tries again later. */
const FAILURE_CONCERNS = 60_000;

/** The result of a renewal or rotation. */
type Outcome = { readonly from: StoredSession; readonly to: StoredSession } | "failed" | undefined;

/** The remembered part of a renewal. */
type Renewed = Pick<SessionRecord, "version" | keyof SessionTimes>;

/** A commit of a session for which only a renewal, a rotation or the like is due. */
export interface DueCommit {
  readonly state: SessionState;
  readonly cookieDelivery: CookieDelivery;
  /** Whether the token may be rotated. */
  readonly rotate: boolean;
  commit(): Awaitable<void>;
  /** Checks whether something is still due, as far as the request knows. */
  isDue(): boolean;
}

/** Options of {@linkcode SharedRenewals}. */
export interface SharedRenewalsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly expiry: ExpiryPolicy;
  /** How long a request waits for the renewal of another request, in milliseconds. */
  readonly patience: number;
}

/**
 * Renews and rotates sessions for which a request has nothing else to commit: once for all requests of this
 * process that have loaded the same record. A failure fails no request: the session and its token stay as they
 * are, and a later request tries again.
 */
export class SharedRenewals {
  readonly #options: SharedRenewalsOptions;
  readonly #running = new Map<string, Promise<Outcome>>();
  /** The last renewal of each session, or the time of its failure in epoch milliseconds, by the key of the session. */
  readonly #last = new Map<string, Renewed | number>();

  constructor(options: SharedRenewalsOptions) {
    this.#options = options;
  }

  run(due: DueCommit): Awaitable<void> {
    const { state, cookieDelivery, rotate } = due;
    const { key, record } = state.stored!;
    const last = this.#last.get(key);
    if (typeof last === "number") {
      if (this.#concerns(last, state)) return;
    } else if (last?.version === record.version && last.renewedAt > record.renewedAt) {
      state.adopt({ ...state.stored!, record: { ...record, ...last } });
      // The cookie was sent at that time. The session may have ended in the meantime.
      if (!due.isDue()) return;
    }
    const id = `${cookieDelivery} ${rotate} ${key}`;
    const running = this.#running.get(id);
    if (!running) return this.#start(due, id);
    return waitFor(running, this.#options.patience).then((outcome) => {
      if (outcome === "failed" || outcome && join(due, outcome)) return;
      return this.#start(due, id);
    });
  }

  /** Checks whether a failure is recent, and came after a request had arrived. */
  #concerns(failedAt: number, { receivedAt }: SessionState): boolean {
    const age = this.#options.clock() - failedAt;
    // Ignore failures from the future: the clock was set back.
    return receivedAt <= failedAt && age >= 0 && age < FAILURE_CONCERNS;
  }

  #start({ state, cookieDelivery, commit }: DueCommit, id: string): Awaitable<void> {
    const { clock, logger } = this.#options;
    const from = state.stored!;
    const outcome = orElse<Outcome>(
      () => andThen(commit(), () => this.#outcomeOf(state, from)),
      (error) => {
        // Failures of the store were already reported.
        if (!(error instanceof SessionStoreError)) {
          logger.warn(
            "Cannot renew session: it failed; the next request tries again",
            error,
          );
        }
        // A renewal that fails before the handler is retried after it.
        if (cookieDelivery !== "none") this.#remember(from.key, clock());
        return "failed";
      },
    );
    if (!isPromiseLike(outcome)) return;
    const running = Promise.resolve(outcome).finally(() => {
      if (this.#running.get(id) === running) this.#running.delete(id);
    });
    this.#running.set(id, running);
    return running.then(() => {});
  }

  #outcomeOf(state: SessionState, from: StoredSession): Outcome {
    const to = state.stored;
    if (state.status !== "live" || !to || to === from) return undefined;
    if (to.key === from.key && this.#options.expiry.onServer) {
      this.#remember(to.key, { version: to.record.version, ...timesOf(to.record) });
    }
    return { from, to };
  }

  #remember(key: string, last: Renewed | number): void {
    this.#last.delete(key);
    this.#last.set(key, last);
    if (this.#last.size > MOST_REMEMBERED) this.#last.delete(this.#last.keys().next().value!);
  }
}

/** Adopts the result of another request for the loaded record, if the contents are the same. */
function join(due: DueCommit, { from, to }: Exclude<Outcome, string | undefined>): boolean {
  const { state } = due;
  const stored = state.stored!;
  const { version, data, flash } = stored.record;
  const isSame = state.status === "live" && stored.key === from.key &&
    version === from.record.version && data === to.record.data && flash === to.record.flash;
  if (!isSame) return false;
  const isRotated = to.key !== stored.key;
  state.adopt(isRotated ? to : { ...stored, record: to.record });
  if (isRotated) state.rotated();
  if (due.isDue()) return false;
  if (due.cookieDelivery !== "none") state.sendsCookie = true;
  return true;
}
