/**
 * A store or its backend is not set up as required. The message says what to do, in one or more lines. It contains nothing
 * of a session, and is logged without further advice.
 */
export class SetupError extends Error {}
