/** The prefixes of cookie names (RFC 6265bis, 4.1.3). Hono's `serialize` checks the attributes that each requires. */
export const PREFIXES = { host: "__Host-", secure: "__Secure-" } as const;

/** Browsers compare prefixes without regard to case (RFC 6265bis, 5.7). */
const PREFIXED_REGEXP = /^__(?:Host|Secure)-/i;

/** Checks whether the name of a cookie has a prefix. */
export function hasPrefix(name: string): boolean {
  return PREFIXED_REGEXP.test(name);
}
