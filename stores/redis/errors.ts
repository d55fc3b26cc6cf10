const DROPPED_CODES = new Set<unknown>(["ECONNRESET", "EPIPE"]);
/**
 * The connection was dropped, or the server is now a replica. Servers before version 7 put the error of a command
 * within a script at the end of their message.
 */
const REPEATABLE_REGEXP = /^Socket closed unexpectedly|^Connection (is )?closed|(^|: -?)READONLY /;

/** Checks whether the server does not know a script. */
export function isUnknownScript(error: unknown): boolean {
  return messageOf(error).startsWith("NOSCRIPT");
}

/** Checks whether a cluster refused keys on different nodes. */
export function isCrossSlot(error: unknown): boolean {
  return messageOf(error).startsWith("CROSSSLOT");
}

/**
 * Checks whether a command may be sent again: the connection was dropped, so that it is unknown whether the server
 * ran the command, or the server refused a write because it is now a replica.
 */
export function isRepeatable(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return DROPPED_CODES.has(code) || REPEATABLE_REGEXP.test(messageOf(error));
}

/**
 * Returns an error of a client without the command that ioredis adds: its arguments contain keys and data of
 * sessions.
 */
export function toError(error: unknown): unknown {
  if (error instanceof Error && "command" in error) delete error.command;
  return error;
}

/** Returns the error for a closed client. */
export function notConnected(cause?: unknown): Error {
  const state = "its client is not connected; connect one when the app starts, and keep it open";
  return new Error(`Cannot use RedisStore: ${state}`, { cause: toError(cause) });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
