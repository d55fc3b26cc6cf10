// How often each operation is tried against concurrent writes before it gives up, and why that often.

/**
 * A commit of a session. `storeTimeout` ends it earlier: this bounds it where pauses take no time, as with the fake timers
 * of a test.
 */
export const COMMIT_TRIES = 100;

/**
 * The end of a session, and a change of what a server knows of revoked cookies. Each lost try is a write of another request
 * that succeeded, and giving up would leave alive what has to end.
 */
export const END_TRIES = 100;

/** The end of listed sessions. Each try lists them again, and is lost only if one of them got another token meanwhile. */
export const LISTED_END_TRIES = 20;

/** One operation of a store on keys that others write as well: with the pauses in between, well within `storeTimeout`. */
export const STORE_TRIES = 20;

/** The start of a grace period. Nothing is lost with it: the next request starts it. */
export const GRACE_TRIES = 5;

/**
 * Looks at the sessions of a subject that has too many, for those that came at the same time to withdraw. A login waits for
 * them.
 */
export const LIMIT_LOOKS = 4;

/** New tokens whose key is taken. That has no chance of happening by chance, so a store that says so three times is broken. */
export const CREATE_TRIES = 3;
