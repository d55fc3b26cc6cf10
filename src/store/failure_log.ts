import type { SessionStoreError } from "../errors.ts";
import { emit, type Logger, type SessionEvents } from "../events.ts";
import type { Clock } from "../util/clock.ts";
import { SetupError } from "./setup_error.ts";
import { TimeoutError } from "./time_limit.ts";

/** After a failure is logged, others of its kind are only counted for this time, in milliseconds. */
const PAUSE = 60_000;
/** The largest number of kinds that are distinguished. */
const MOST_KINDS = 100;
/** The number of characters of a cause's message that are logged. */
const MOST_OF_CAUSE = 500;
/** The number of nested causes that are logged. */
const MOST_CAUSES = 5;

/** The failures of one kind since one of them was logged. */
interface Kind {
  readonly loggedAt: number;
  count: number;
}

/**
 * Returns a function that logs the failures of a store: each kind immediately, then at most once a minute with the
 * number of failures in between.
 */
export function failureLog(
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): (error: Error) => void {
  const kinds = new Map<string, Kind>();
  return (error) => {
    const causes = causesOf(error);
    const id = [error.message, ...causes.map(kindOf)].join("\n");
    const now = clock();
    const kind = kinds.get(id);
    if (kind && now - kind.loggedAt < PAUSE && kind.loggedAt <= now) {
      kind.count++;
      return;
    }
    if (!kind && kinds.size === MOST_KINDS) kinds.clear();
    kinds.set(id, { loggedAt: now, count: 0 });
    const reasons = causes.filter((cause) => !(cause instanceof TimeoutError)).map(describe);
    const state = [error.message, ...reasons].join(": ").replace(/\.+$/, "");
    const more = kind?.count ? `; it failed in the same way ${kind.count} more times since` : "";
    const wayOut = `${more}. Requests that need it fail until it works; ` +
      "check that the store exists, is reachable, and grants this program access";
    const isSetup = causes.some((cause) => cause instanceof SetupError);
    logger.error(`hono-session: ${state}${isSetup ? "" : wayOut}`);
  };
}

function causesOf(error: Error): unknown[] {
  const causes: unknown[] = [];
  for (
    let { cause } = error;
    cause !== undefined && causes.length < MOST_CAUSES;
    cause = cause instanceof Error ? cause.cause : undefined
  ) causes.push(cause);
  return causes;
}

/** Returns the kind of a failure. Its message does not belong to it: it may name a request. */
function kindOf(cause: unknown): string {
  return cause instanceof Error ? `${cause.name} ${codeOf(cause)}` : typeof cause;
}

/** Describes a cause by its message only: other properties may contain session data. */
function describe(cause: unknown): string {
  if (cause instanceof SetupError) return cause.message;
  if (!(cause instanceof Error)) return `a value of type ${typeof cause} was thrown`;
  const [line] = withoutSecrets(cause, String(cause.message || codeOf(cause))).split("\n");
  const message = line!.slice(0, MOST_OF_CAUSE);
  return cause.name === "Error" ? message : `${cause.name}: ${message}`;
}

/** Removes from a message the text that a parser quotes, which may be session data, and the password in a URL. */
function withoutSecrets(cause: Error, message: string): string {
  const text = cause instanceof SyntaxError ? message.replace(/".*"/s, '"…"') : message;
  return text.replaceAll(/\/\/[^/\s]*@/g, "//…@");
}

function codeOf(cause: Error): string {
  return String(Reflect.get(cause, "code") ?? "");
}

/** Emits failures of a store to the listener of `storeError`; without a listener they are logged. */
export function storeErrorReporter(
  config: { readonly clock: Clock; readonly logger: Logger; readonly events: SessionEvents },
): (operation: string, error: SessionStoreError, c: unknown) => void {
  const log = failureLog(config);
  return (operation, error, c) => {
    if (config.events.storeError) emit(config, "storeError", { operation, error }, c);
    else log(error);
  };
}
