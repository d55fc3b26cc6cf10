const DROPPED_CODES = new Set<unknown>(["ECONNRESET", "EPIPE"]);
/** Servers before version 7 put what a command within a script has failed with at the end of their message. */
const READ_ONLY_REGEXP = /(^|: -?)READONLY /;
const DROPPED_REGEXP = /^(Socket closed unexpectedly|Connection (is )?closed)/;

/** Whether the server does not know a script yet, or has forgotten it. */
export function isUnknownScript(error: unknown): boolean {
  return messageOf(error).startsWith("NOSCRIPT");
}

/** Whether a cluster refused keys that lie on different nodes. */
export function isCrossSlot(error: unknown): boolean {
  return messageOf(error).startsWith("CROSSSLOT");
}

/** Whether the connection was dropped, so that nobody knows whether the command was done. */
export function isDropped(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return DROPPED_CODES.has(code) || DROPPED_REGEXP.test(messageOf(error));
}

/** Whether the server refused to write, being the replica of another one by now. */
export function isReadOnly(error: unknown): boolean {
  return READ_ONLY_REGEXP.test(messageOf(error));
}

/** An error of a client without the command that ioredis puts there: its arguments are keys and data of sessions. */
export function toError(error: unknown): unknown {
  if (error instanceof Error && "command" in error) delete error.command;
  return error;
}

/** What is wrong with a client that was closed. */
export function notConnected(cause?: unknown): Error {
  const state = "its client is not connected; connect one when the app starts, and keep it open";
  return new Error(`Cannot use RedisStore: ${state}`, { cause: toError(cause) });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
