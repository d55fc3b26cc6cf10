const DROPPED_CODES = new Set<unknown>(["ECONNRESET", "EPIPE"]);
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

/**
 * An error of a client, in words that name the way out, and without the command that ioredis puts there: its arguments are
 * keys and data of sessions.
 */
export function toError(error: unknown): unknown {
  if (error instanceof Error && "command" in error) delete error.command;
  if (messageOf(error) !== "The client is closed") return error;
  const state = "its client is not connected; connect one when the app starts, and keep it open";
  return new Error(`Cannot use RedisStore: ${state}`, { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
