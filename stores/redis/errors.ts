const DROPPED_CODES = new Set<unknown>(["ECONNRESET", "EPIPE"]);
/** Servers before version 7 put the error of a command within a script at the end of their message. */
const READ_ONLY_REGEXP = /(^|: -?)READONLY /;
const DROPPED_REGEXP = /^(Socket closed unexpectedly|Connection (is )?closed)/;

/** Checks whether the server does not know a script. */
export function isUnknownScript(error: unknown): boolean {
  return messageOf(error).startsWith("NOSCRIPT");
}

/** Checks whether a cluster refused keys on different nodes. */
export function isCrossSlot(error: unknown): boolean {
  return messageOf(error).startsWith("CROSSSLOT");
}

/** Checks whether the connection was dropped, so that it is unknown whether the command was done. */
export function isDropped(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return DROPPED_CODES.has(code) || DROPPED_REGEXP.test(messageOf(error));
}

/** Checks whether the server refused a write because it is now a replica. */
export function isReadOnly(error: unknown): boolean {
  return READ_ONLY_REGEXP.test(messageOf(error));
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
