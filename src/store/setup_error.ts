/**
 * A backend that is not set up yet. The message says what to run, in several lines, and holds nothing of a session: it is
 * logged whole.
 */
export class SetupError extends Error {}
