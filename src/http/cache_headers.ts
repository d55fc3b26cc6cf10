/** A directive and, within it, a quoted list of fields, which may hold commas. */
const DIRECTIVE_REGEXP = /[^,"]*(?:"(?:[^"\\]|\\.)*"[^,"]*)*/g;

/** Directives that let a shared cache keep a response. */
const SHARED_REGEXP = /^(?:public|s-maxage)(?:\s*=|$)/i;

/** The fields that some caches heed in the place of `Cache-Control` (RFC 9213, and what was there before it). */
const TARGETED_REGEXP = /(?:^|-)(?:surrogate|edge)-control$|-cache-control$|^x-accel-expires$/;
const NGINX = "x-accel-expires";

const PRIVATE = "private";
const NO_STORE = "no-store";

/** A header and what it is to say. */
type Mark = readonly [name: string, value: string];

/** How a response that depends on who asks is to be marked. */
export interface Marking {
  /**
   * Whether it carries what opens a session, so that nobody may store it (ASVS 5.0, 14.3.2; CVE-2023-30861,
   * CVE-2025-48947).
   */
  readonly opens: boolean;
  /** The headers of the request that it depends on, as a list in a header. */
  readonly vary: string;
}

/** What the headers of a response are to say that they don't. */
export interface MissingMarks {
  readonly vary: string | undefined;
  readonly cacheControl: string | undefined;
  /** Those of fields that some caches heed. */
  readonly targeted: readonly Mark[];
  /** Whether the response says nothing of either `Vary` or `Cache-Control`. */
  readonly isUnmarked: boolean;
}

const NONE: readonly Mark[] = [];

/**
 * Finds what the headers of a response don't say and have to, where it depends on who asks. What the application says
 * otherwise stays.
 *
 * @param headers The headers.
 * @param marking How the response is to be marked.
 * @param others Headers that were meant for the response, and that earlier ones have kept out.
 * @returns What is missing, `undefined` when nothing is.
 */
export function missingMarks(
  headers: Headers,
  marking: Marking,
  others?: Headers,
): MissingMarks | undefined {
  let targeted = NONE;
  let varying = null as string | null;
  let caching = null as string | null;
  // To go through all of them takes less time than to ask for each that may be there.
  headers.forEach((said, name) => {
    if (name === "vary") varying = said;
    else if (name === "cache-control") caching = said;
    else if (TARGETED_REGEXP.test(name)) {
      const control = targetedControl([name, said], marking);
      if (control !== said) targeted = [...targeted, [name, control]];
    }
  });
  const vary = withVary(varying, varyOf(marking, others));
  const control = controlFor(controlOf(caching, others), marking);
  if (vary === varying && control === caching && targeted === NONE) return undefined;
  return {
    vary: vary === varying ? undefined : vary,
    cacheControl: control === caching ? undefined : control,
    targeted,
    isUnmarked: varying === null && caching === null,
  };
}

/** Has the headers of a response say what they don't. */
export function addMarks(headers: Headers, missing: MissingMarks | undefined): void {
  if (!missing) return;
  const { vary, cacheControl, targeted, isUnmarked } = missing;
  if (isUnmarked) {
    // In half the time that it takes to look for fields to replace.
    headers.append("vary", vary!);
    headers.append("cache-control", cacheControl!);
  } else {
    if (vary !== undefined) headers.set("vary", vary);
    if (cacheControl !== undefined) headers.set("cache-control", cacheControl);
  }
  for (const [name, value] of targeted) headers.set(name, value);
}

function controlFor(said: string | null, { opens }: Marking): string {
  return opens ? NO_STORE : asPrivate(said);
}

/** What a field is to say that takes the place of `Cache-Control`. Those that are older than RFC 9213 know no `private`. */
function targetedControl([name, said]: Mark, marking: Marking): string {
  if (name.endsWith("-cache-control")) return controlFor(said, marking);
  if (name === NGINX) return "0";
  // Whether there is something in the body for the cache to fill in is not changed.
  const kept = listOf(said).filter((directive) => /^content\s*=/i.test(directive));
  return [...kept, NO_STORE].join(", ");
}

function varyOf({ vary }: Marking, others: Headers | undefined): string {
  const other = others?.get("vary") ?? null;
  return other === null ? vary : `${other}, ${vary}`;
}

/** What is said of caching: where that is no more than `private`, it may have kept out what the application says. */
function controlOf(caching: string | null, others: Headers | undefined): string | null {
  return caching === PRIVATE ? others?.get("cache-control") ?? caching : caching;
}

function withVary(header: string | null, vary: string): string {
  // Most often nothing is said, or what was said here before.
  if (header === null || header === vary) return vary;
  const known = listOf(header);
  const missing = listOf(vary)
    .filter((name) => !has(known, "*") && !has(known, name.toLowerCase()));
  return missing.length === 0 ? header : [...known, ...missing].join(", ");
}

function asPrivate(header: string | null): string {
  if (header === null || header === PRIVATE) return PRIVATE;
  const directives = listOf(header);
  const kept = directives.filter((directive) => !SHARED_REGEXP.test(directive));
  if (!has(kept, PRIVATE) && !has(kept, NO_STORE)) kept.push(PRIVATE);
  const isSame = kept.length === directives.length && kept.at(-1) === directives.at(-1);
  return isSame ? header : kept.join(", ");
}

function listOf(header: string): string[] {
  return (header.match(DIRECTIVE_REGEXP) ?? []).map((item) => item.trim()).filter(Boolean);
}

function has(list: string[], name: string): boolean {
  return list.some((item) => item.toLowerCase() === name);
}
