/** A directive and, within it, a quoted list of fields, which may hold commas. */
const DIRECTIVE_REGEXP = /[^,"]*(?:"(?:[^"\\]|\\.)*"[^,"]*)*/g;

/** Directives that let a shared cache keep a response. */
const SHARED_REGEXP = /^(?:public|s-maxage)(?:\s*=|$)/i;

function listOf(header: string): string[] {
  return (header.match(DIRECTIVE_REGEXP) ?? []).map((item) => item.trim()).filter(Boolean);
}

function has(list: string[], name: string): boolean {
  return list.some((item) => item.toLowerCase() === name);
}

/**
 * Marks a response as one that depends on who asks, keeping what the application said otherwise.
 *
 * @param headers The headers of the response.
 * @param options.opens Whether it carries what opens a session, so that nobody may store it (ASVS 5.0, 14.3.2;
 * CVE-2023-30861, CVE-2025-48947).
 * @param options.vary The headers of the request that it depends on.
 */
export function forbidSharing(
  headers: Headers,
  { opens, vary }: { opens: boolean; vary: readonly string[] },
): void {
  const varying = headers.get("vary");
  headers.set("vary", varying === null ? vary.join(", ") : withVary(varying, vary));
  if (opens) {
    headers.set("cache-control", "no-store");
    return;
  }
  const caching = headers.get("cache-control");
  headers.set("cache-control", caching === null ? "private" : asPrivate(caching));
}

function withVary(header: string, vary: readonly string[]): string {
  const known = listOf(header);
  const missing = vary.filter((name) => !has(known, "*") && !has(known, name.toLowerCase()));
  return missing.length === 0 ? header : [...known, ...missing].join(", ");
}

function asPrivate(header: string): string {
  const directives = listOf(header);
  const kept = directives.filter((directive) => !SHARED_REGEXP.test(directive));
  if (!has(kept, "private") && !has(kept, "no-store")) kept.push("private");
  const isSame = kept.length === directives.length && kept.at(-1) === directives.at(-1);
  return isSame ? header : kept.join(", ");
}
