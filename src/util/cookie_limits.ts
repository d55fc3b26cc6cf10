/** What browsers keep of one cookie, name and value together, in bytes (RFC 6265bis, 5.6). */
export const LARGEST_COOKIE = 4096;

/** The longest life of a cookie, in seconds: 400 days (RFC 6265bis, 5.6.2). */
export const LONGEST_COOKIE = 34_560_000;

/** The most cookies that a token is split over. */
export const MOST_CHUNKS = 4;

/** What a chunk holds beside its part of the token, in bytes: the suffix of its name, or the count of all chunks. */
export const CHUNK_OVERHEAD = 2;
