/**
 * Metrics of sessions for OpenTelemetry: counters of events, and a histogram of store operations. The package
 * `@opentelemetry/api` is required beside this one. Without an SDK that exports the metrics, nothing is recorded.
 *
 * | metric | unit | attributes |
 * | --- | --- | --- |
 * | `hono_session.created` | `{session}` | |
 * | `hono_session.ended` | `{session}` | `hono_session.end.reason` |
 * | `hono_session.rejected` | `{token}` | `hono_session.rejection.reason` |
 * | `hono_session.conflicts` | `{conflict}` | |
 * | `hono_session.store.errors` | `{error}` | `hono_session.store.operation` |
 * | `hono_session.store.operation.duration` | `s` | `hono_session.store.operation`, `error.type` if it failed |
 *
 * No metric has the `sid`, the subject or the data of a session.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session";
 * import { telemetry } from "@x/hono-session/otel";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assert } from "@std/assert";
 *
 * const store = new MapStore();
 * const app = new Hono()
 *   .use(session<{ visits?: number }>({ ...telemetry({ store }), maxAge: 3600 }))
 *   .get("/", (c) => c.json(c.var.session.visits = (c.var.session.visits ?? 0) + 1));
 * assert((await app.request("/")).ok);
 * ```
 *
 * @module
 */

import type { Logger, SessionEvents } from "./events.ts";
import { SHAPES } from "./options/shapes.ts";
import { Instruments } from "./otel/instruments.ts";
import { measuredStore } from "./otel/measured_store.ts";
import type { KeyValueStore, SessionStore } from "./store/contract.ts";
import { failureLog } from "./store/failure_log.ts";
import { systemClock } from "./util/clock.ts";
import { checkTable, type OptionTable } from "./util/option_table.ts";
import { OBJECT } from "./util/shapes.ts";

const { events, logger } = SHAPES;
const TABLE: OptionTable = {
  action: "build telemetry",
  shapes: { store: OBJECT, events, logger },
};

/**
 * Options of {@linkcode telemetry}: those of `session()` that it measures.
 *
 * @example Listeners of the application beside the counters
 * ```ts
 * import { telemetry, type TelemetryOptions } from "@x/hono-session/otel";
 * import { MapStore } from "@x/hono-session/stores/map";
 *
 * const options: TelemetryOptions = {
 *   store: new MapStore(),
 *   events: { rejected: ({ reason }) => console.log(`a token was rejected: ${reason}`) },
 * };
 * telemetry(options);
 * ```
 */
export interface TelemetryOptions {
  /**
   * The store whose operations are measured. Without it, no operations are measured: the default store is not known here.
   *
   * @default {none}
   */
  readonly store?: SessionStore | KeyValueStore;
  /**
   * The listeners of the application. They are called after an event is counted.
   *
   * @default {none}
   */
  readonly events?: SessionEvents;
  /**
   * Receives the failures of the store if `events` has no listener of `storeError`.
   *
   * @default {console}
   */
  readonly logger?: Logger;
}

/**
 * Measures sessions: returns the same options with a store and with listeners that record metrics. Pass them to
 * `session()` or `createSessions()`. The instruments are created at the first event or operation.
 *
 * @param options The store, and the listeners and the logger of the application.
 * @returns The options for `session()`.
 * @throws {TypeError} When an option is unknown or of the wrong kind.
 *
 * @example Usage
 * ```ts
 * import { createSessions } from "@x/hono-session";
 * import { telemetry } from "@x/hono-session/otel";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const sessions = createSessions({ ...telemetry({ store: new MapStore() }), maxAge: 3600 });
 * await sessions.create({}, { subject: "user:42" });
 * assertEquals(await sessions.count("user:42"), 1);
 * ```
 */
export function telemetry<Options extends TelemetryOptions>(
  options: Options,
): Options & { events: SessionEvents } {
  checkTable(TABLE, options);
  const { store, events, logger = console } = options;
  const instruments = new Instruments();
  return {
    ...options,
    ...(store && { store: measuredStore(store, instruments) }),
    events: countedEvents({ ...events }, { instruments, logger }),
  };
}

/** Returns listeners that count events and call those of the application. */
function countedEvents(
  given: SessionEvents,
  { instruments, logger }: { instruments: Instruments; logger: Logger },
): SessionEvents {
  const logFailure = failureLog({ clock: systemClock, logger });
  return {
    ...given,
    created(event, c) {
      instruments.created();
      return given.created?.(event, c);
    },
    destroyed(event, c) {
      instruments.ended(event.reason);
      return given.destroyed?.(event, c);
    },
    rejected(event, c) {
      instruments.rejected(event.reason);
      return given.rejected?.(event, c);
    },
    conflict(event, c) {
      instruments.conflict();
      return given.conflict?.(event, c);
    },
    storeError(event, c) {
      instruments.storeError(event.operation);
      return given.storeError ? given.storeError(event, c) : logFailure(event.error);
    },
  };
}
