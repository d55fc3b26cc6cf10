import { endSessionsOf } from "../commit/end.ts";
import { raiseGeneration } from "../commit/raise_generation.ts";
import { SessionConflictError } from "../errors.ts";
import { emit } from "../events.ts";
import { deadline, isLive } from "../record/expiry.ts";
import { endAdoption } from "../request/adoption_marks.ts";
import type { RequestConfig } from "../request/config.ts";
import type { DeleteAllOptions, ListedSession, ListPage, StoreStats } from "../store/contract.ts";
import { listPage, type SubjectSession } from "../store/subject_sessions.ts";
import type { Awaitable } from "../util/awaitable.ts";

/** Lists and ends sessions of any client. */
export class ManagedSessions {
  readonly #config: RequestConfig;

  constructor(config: RequestConfig) {
    this.#config = config;
  }

  /**
   * Lists a page of the live sessions of a subject, the newest first.
   *
   * @throws {TypeError} When the store has no index.
   * @throws {SessionStoreError} When it failed.
   */
  async list(
    { limit = Infinity, ...wanted }: ListPage & { subject: string },
    c: unknown,
  ): Promise<ListedSession["record"][]> {
    this.#assertIndexed("list");
    const { store, clock, expiry } = this.#config;
    const now = clock();
    const isWanted = (record: ListedSession["record"]) => isLive(expiry, record, now);
    return (await listPage(store, { ...wanted, limit, isLive: isWanted }, c))
      .map((record) => ({ ...record, expiresAt: deadline(expiry, record) }));
  }

  /**
   * Ends a session of a subject; `false` when the subject has no such session.
   *
   * @throws {TypeError} When the store has no index.
   * @throws {SessionStoreError} When it failed.
   */
  async revoke(
    { subject, sid }: { subject: string; sid: string },
    c: unknown,
  ): Promise<boolean> {
    this.#assertIndexed("revoke");
    const choose = (sessions: SubjectSession[]) =>
      sessions.filter((session) => session.sid === sid);
    const options = { subject, choose, reason: "revoked" } as const;
    const { size } = await endSessionsOf(this.#config, options, c);
    return size > 0;
  }

  /**
   * Ends the sessions of a subject, including logins in flight.
   *
   * @throws {TypeError} When the store has no index.
   * @throws {SessionStoreError} When it failed.
   */
  async revokeAll(
    { subject, except }: { subject: string; except: string | undefined },
    c: unknown,
  ): Promise<number> {
    this.#assertIndexed("revoke");
    const { store, events, expiry, ends, generation } = this.#config;
    // A store also counts expired sessions that it keeps for requests in flight, and those that `revokeEverything()` has ended.
    const counts = expiry.onServer && expiry.rolling !== false || generation !== undefined;
    const live = counts || events.destroyed ? await this.list({ subject }, c) : [];
    await endAdoption(this.#config, subject, c);
    const end = (options: DeleteAllOptions) => store.deleteAll(subject, options, c);
    const count = await ends.endAll({ subject, except }, end);
    const ended = live.filter(({ sid }) => sid !== except);
    for (const { sid } of ended) emit(this.#config, "destroyed", { sid, reason: "revoked" }, c);
    return counts ? ended.length : count;
  }

  /**
   * Ends all sessions, and returns once no process accepts them any more.
   *
   * @throws {TypeError} When the option `revokeEverything` is off.
   * @throws {SessionConflictError} When too many concurrent calls do the same.
   * @throws {SessionStoreError} When the store failed.
   */
  async revokeEverything(c: unknown): Promise<void> {
    const { generation, records } = this.#config;
    if (!generation) {
      throw new TypeError(
        "Cannot revoke all sessions: the option revokeEverything is off; turn it on in every process, then call it",
      );
    }
    await endAdoption(this.#config, undefined, c);
    if (await raiseGeneration(generation, records, c)) return;
    throw new SessionConflictError(
      "Cannot revoke all sessions: other calls do the same; try again",
    );
  }

  /**
   * Counts the live sessions of all subjects.
   *
   * @throws {TypeError} When the store can't.
   * @throws {SessionStoreError} When it failed.
   */
  stats(c: unknown): Awaitable<StoreStats> {
    const { store } = this.#config;
    if (store.capabilities.stats) return store.stats(c);
    throw new TypeError(
      "Cannot count all sessions: the store does not count them; count those of a subject with count()",
    );
  }

  #assertIndexed(action: string): void {
    if (this.#config.store.capabilities.index) return;
    throw new TypeError(
      `Cannot ${action} sessions: the store does not list the sessions of a subject; ` +
        "use one on the server that does, such as RedisStore or PostgresStore",
    );
  }
}
