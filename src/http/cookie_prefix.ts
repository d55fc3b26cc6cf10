/** The prefixes of cookie names (RFC 6265bis, 4.1.3). `CookieTemplate` has Hono check the attributes that each requires. */
const PREFIXES = { host: "__Host-", secure: "__Secure-" };

/** Browsers compare prefixes without regard to case (RFC 6265bis, 5.7). */
const PREFIXED_REGEXP = /^__(?:Host|Secure)-/i;

/** Returns the name of a cookie with a prefix; `undefined` if it has one already. */
export function withPrefix(name: string, prefix: keyof typeof PREFIXES): string | undefined {
  return PREFIXED_REGEXP.test(name) ? undefined : PREFIXES[prefix] + name;
}
