/** A directive, which may contain a quoted list of fields with commas. */
const DIRECTIVE_REGEXP = /[^,"]*(?:"(?:[^"\\]|\\.)*"[^,"]*)*/g;

/** Directives that let a shared cache keep a response. */
const SHARED_REGEXP = /^(?:public|s-maxage)(?:\s*=|$)/i;

/** The fields that some caches use instead of `Cache-Control` (RFC 9213 and its predecessors). */
const TARGETED_REGEXP = /(?:^|-)(?:surrogate|edge)-control$|-cache-control$|^x-accel-expires$/;
const NGINX = "x-accel-expires";

const PRIVATE = "private";
const NO_STORE = "no-store";

/** Returns the value of `Vary` for the request headers that may identify a session. */
export function varyFor(...headers: (string | undefined)[]): string {
  return headers.filter(Boolean).join(", ");
}

/** A header and its required value. */
type Mark = readonly [name: string, value: string];

/** The marks that a response needs when it depends on the session. */
export interface Marking {
  /**
   * Whether it contains a credential of a session, so that no cache must store it (ASVS 5.0, 14.3.2;
   * CVE-2023-30861, CVE-2025-48947).
   */
  readonly opens: boolean;
  /** The request headers on which it depends, as the value of `Vary`. */
  readonly vary: string;
}

/** The cache headers of a response, of which some are missing. */
export interface MissingMarks {
  readonly said: Said;
  readonly vary: string;
  readonly cacheControl: string;
}

const NONE: readonly Mark[] = [];

/**
 * Finds the cache directives that a response needs and lacks because it depends on the session. Other
 * directives of the application stay.
 *
 * @param headers The headers.
 * @param marking The marks that the response needs.
 * @param others Headers that were set for the response but overridden by earlier ones.
 * @returns All values; `undefined` when none is missing.
 */
export function missingMarks(
  headers: Headers,
  marking: Marking,
  others?: Headers,
): MissingMarks | undefined {
  const said: Said = { vary: null, cacheControl: null, targeted: NONE, marking };
  // One pass over all headers is faster than a look-up of each candidate.
  headers.forEach(note, said);
  const vary = withVary(said.vary, varyOf(marking, others));
  const cacheControl = controlFor(controlOf(said.cacheControl, others), marking);
  const isMarked = vary === said.vary && cacheControl === said.cacheControl &&
    said.targeted === NONE;
  return isMarked ? undefined : { said, vary, cacheControl };
}

/** The headers of a response that caches read. */
interface Said {
  vary: string | null;
  cacheControl: string | null;
  /** The values that targeted fields lack. */
  targeted: readonly Mark[];
  readonly marking: Marking;
}

/** Notes a header. A function for all responses takes less memory than a closure for each. */
function note(this: Said, value: string, name: string): void {
  if (name === "vary") this.vary = value;
  else if (name === "cache-control") this.cacheControl = value;
  else if (TARGETED_REGEXP.test(name)) {
    const control = targetedControl([name, value], this.marking);
    if (control !== value) this.targeted = [...this.targeted, [name, control]];
  }
}

/** Adds the missing values to the headers of a response. */
export function addMarks(headers: Headers, missing: MissingMarks | undefined): void {
  if (!missing) return;
  const { said, vary, cacheControl } = missing;
  // Appending takes half the time of set(), which looks for fields to replace.
  headers[said.vary === null ? "append" : "set"]("vary", vary);
  headers[said.cacheControl === null ? "append" : "set"]("cache-control", cacheControl);
  for (const [name, value] of said.targeted) headers.set(name, value);
}

function controlFor(said: string | null, { opens }: Marking): string {
  if (opens) return NO_STORE;
  if (said === null || said === PRIVATE) return PRIVATE;
  const directives = listOf(said);
  const kept = directives.filter((directive) => !SHARED_REGEXP.test(directive));
  if (!has(kept, PRIVATE) && !has(kept, NO_STORE)) kept.push(PRIVATE);
  return `${kept}` === `${directives}` ? said : kept.join(", ");
}

/** Returns the value of a field that replaces `Cache-Control`. Fields older than RFC 9213 don't support `private`. */
function targetedControl([name, said]: Mark, marking: Marking): string {
  if (name.endsWith("-cache-control")) return controlFor(said, marking);
  if (name === NGINX) return "0";
  // Keep the directive that announces content for the cache to process (Surrogate-Control).
  const kept = listOf(said).filter((directive) => /^content\s*=/i.test(directive));
  return [...kept, NO_STORE].join(", ");
}

function varyOf({ vary }: Marking, others: Headers | undefined): string {
  const other = others?.get("vary");
  return other ? `${other}, ${vary}` : vary;
}

/** Returns the effective `Cache-Control`. A plain `private` may have overridden the value of the application. */
function controlOf(caching: string | null, others: Headers | undefined): string | null {
  return caching === PRIVATE ? others?.get("cache-control") ?? caching : caching;
}

function withVary(header: string | null, vary: string): string {
  // Most often there is no `Vary`, or the one that was set here before.
  if (header === null || header === vary) return vary;
  const known = listOf(header);
  const missing = listOf(vary)
    .filter((name) => !has(known, "*") && !has(known, name.toLowerCase()));
  return missing.length === 0 ? header : [...known, ...missing].join(", ");
}

function listOf(header: string): string[] {
  return (header.match(DIRECTIVE_REGEXP) ?? []).map((item) => item.trim()).filter(Boolean);
}

function has(list: string[], name: string): boolean {
  return list.some((item) => item.toLowerCase() === name);
}
