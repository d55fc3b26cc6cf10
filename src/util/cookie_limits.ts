/** The largest cookie that browsers keep, name and value together, in bytes (RFC 6265bis, 5.6). */
export const LARGEST_COOKIE = 4096;

/** The longest lifetime of a cookie, in seconds: 400 days (RFC 6265bis, 5.6.2). */
export const LONGEST_COOKIE = 34_560_000;

/** The largest number of cookies over which a token is split. */
export const MOST_CHUNKS = 4;

/** The overhead of a chunk in bytes: the suffix of its name, or the number of chunks. */
export const CHUNK_OVERHEAD = 2;
