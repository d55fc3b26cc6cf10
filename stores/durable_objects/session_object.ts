import { type Clock, systemClock } from "../../src/util/clock.ts";
import type { DurableObjectStateLike, DurableObjectStorageLike } from "./like.ts";
import { type Operations, READS } from "./operations.ts";
import { RECORD_TABLES, RecordTable } from "./record_table.ts";
import { SUBJECT_TABLES, SubjectTable } from "./subject_table.ts";
import { KEY_HEADER, Watchers } from "./watchers.ts";

const TABLES = { ...RECORD_TABLES, ...SUBJECT_TABLES };

/** The least and the longest time between two alarms, in milliseconds. */
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** How long after its expiry a row is deleted: longer than the clocks of two machines differ. */
const MARGIN = 60_000;

/**
 * Options of {@linkcode SessionObject}, for tests.
 *
 * @example Usage
 * ```ts
 * import type { SessionObjectOptions } from "@x/hono-session/stores/durable-objects";
 *
 * const options: SessionObjectOptions = { clock: () => Date.parse("2030-01-01") };
 * console.log(options.clock?.());
 * ```
 */
export interface SessionObjectOptions {
  /**
   * Returns the current time for alarms, which delete what has expired. Operations use the clock of the store.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/**
 * The Durable Object that holds sessions. The Worker exports it, and `wrangler.toml` lists it in the `new_sqlite_classes` of
 * a migration. It answers only the requests of {@linkcode DurableObjectStore}. Don't forward requests of clients to it.
 *
 * An alarm deletes what has expired, at least once a day and at most once an hour. No alarm is set while nothing is stored.
 *
 * @example The line in a Worker
 * ```ts
 * export { SessionObject } from "@x/hono-session/stores/durable-objects";
 * ```
 */
export class SessionObject {
  readonly #storage: DurableObjectStorageLike;
  readonly #operations: Operations;
  readonly #watchers: Watchers;
  readonly #clock: Clock;
  /** Whether an alarm is known to be set. */
  #isScheduled = false;

  /**
   * Creates the tables unless they exist. Called by the runtime.
   *
   * @param state The state of the object.
   * @param _env Not used.
   * @param options Options for tests.
   */
  constructor(
    state: DurableObjectStateLike,
    _env?: unknown,
    { clock = systemClock }: SessionObjectOptions = {},
  ) {
    const { storage } = state;
    this.#storage = storage;
    this.#clock = clock;
    for (const definition of Object.values(TABLES)) storage.sql.exec(definition);
    const records = new RecordTable(storage.sql);
    const subjects = new SubjectTable(storage.sql);
    const watchers = this.#watchers = new Watchers(state);
    this.#operations = {
      read: (call) => records.read(call),
      write: (call) => records.write(call),
      touch: (call) => records.touch(call),
      leave: (call) => records.leave(call) && (watchers.of(call.key).length || true),
      settle: (call) => records.settle(call),
      delete: (call) => {
        const entry = records.delete(call);
        watchers.report(call);
        return entry;
      },
      peek: (call) => records.peek(call),
      end: (call) => {
        const count = records.end(call);
        for (const { key } of call.ends) watchers.report({ key, reason: "revoked" });
        return count;
      },
      report: (call) => watchers.report(call),
      enlist: (call) => subjects.enlist(call),
      strike: (call) => subjects.strike(call),
      entries: (call) => subjects.entries(call),
      generation: (call) => subjects.generation(call),
      raise: (call) => subjects.raise(call),
    };
  }

  /**
   * Executes an operation of the store, or opens the WebSocket of a watcher of a record.
   *
   * @param request The operation.
   * @returns Its answer.
   */
  async fetch(request: Request): Promise<Response> {
    const key = request.headers.get(KEY_HEADER);
    if (key !== null) return this.#watchers.open(key);
    const { operation, ...call }: { operation: keyof Operations } = await request.json();
    if (!Object.hasOwn(this.#operations, operation)) return new Response(null, { status: 400 });
    const answer = this.#operations[operation](call as never);
    if (!READS.has(operation)) await this.#schedule();
    return Response.json(answer);
  }

  /** Deletes what has expired. Called by the runtime when the alarm is due. */
  async alarm(): Promise<void> {
    this.#isScheduled = false;
    const now = this.#clock();
    let next = Infinity;
    for (const table of Object.keys(TABLES)) {
      const { sql } = this.#storage;
      sql.exec(`DELETE FROM ${table} WHERE expires <= ?`, now - MARGIN);
      const [row] = sql.exec(`SELECT min(expires) AS expires FROM ${table}`).toArray();
      next = Math.min(next, Number(row!["expires"] ?? Infinity));
    }
    if (next === Infinity) return;
    await this.#storage.setAlarm(Math.min(Math.max(next + MARGIN, now + HOUR), now + DAY));
  }

  /**
   * Closes a WebSocket whose other end was closed. Called by the runtime.
   *
   * @param socket The end of the object.
   */
  webSocketClose(socket: { close(): void }): void {
    socket.close();
  }

  /** Sets an alarm unless there is one. */
  async #schedule(): Promise<void> {
    if (this.#isScheduled) return;
    if (await this.#storage.getAlarm() === null) {
      await this.#storage.setAlarm(this.#clock() + HOUR);
    }
    this.#isScheduled = true;
  }
}
