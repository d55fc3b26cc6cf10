// The number of tries of each operation against concurrent writes, and the reasons.

/**
 * A commit of a session. Usually `storeTimeout` ends it earlier; this limits it where pauses take no time, as
 * with the fake timers of a test.
 */
export const COMMIT_TRIES = 100;

/**
 * The end of a session, and a change of the marks of revoked cookies. Each lost try is a successful write of
 * another request, and giving up would leave a revoked session alive.
 */
export const END_TRIES = 100;

/**
 * The end of listed sessions. Each try lists them again, and fails only if one of them got another token in the
 * meantime.
 */
export const LISTED_END_TRIES = 20;

/** One operation of a store on shared keys: with the pauses in between, well within `storeTimeout`. */
export const STORE_TRIES = 20;

/**
 * The number of times that a login lists the sessions of a subject above its limit, while concurrent logins
 * withdraw. The login waits for them.
 */
export const LIMIT_LOOKS = 4;

/** New tokens whose key is taken. This does not happen by chance: a store that reports it three times is broken. */
export const CREATE_TRIES = 3;
