/** Whether every skip is a failure: set where everything that the tests need is to be there. */
const NO_SKIP = Deno.env.get("HONO_SESSION_NO_SKIP") !== undefined;

/**
 * Whether a test is to be skipped, for want of something that it needs.
 *
 * @throws {Error} When it is missing where nothing may be skipped.
 */
export function requireOrSkip(what: string, available: boolean, install: string): boolean {
  if (available) return false;
  if (NO_SKIP) throw new Error(`Cannot test with ${what}: it is missing, install it: ${install}`);
  console.log(`skipped: ${what} (install: ${install})`);
  return true;
}
