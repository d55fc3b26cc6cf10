/**
 * A store or its backend is not set up as it must be. The message says what to do, maybe in several lines, and holds
 * nothing of a session: it is logged whole, without other advice.
 */
export class SetupError extends Error {}
