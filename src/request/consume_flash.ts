import { isFailure } from "./response_status.ts";

/** Destinations of pages and of requests by scripts (Fetch Metadata). */
const SHOWN = new Set(["document", "iframe", "frame", "fencedframe", "empty"]);

/** Headers of prefetches, by browsers and by libraries that can't set `Sec-Purpose`. */
const PURPOSES = ["sec-purpose", "x-sec-purpose", "purpose", "x-moz"];

/** Paths that browsers request on their own. */
const UNASKED = /^\/\.well-known\/|\/(favicon\.ico|apple-touch-icon[^/]*\.png)$/;

/**
 * Checks whether the response to a request can show flashed values, which consumes them: a successful response
 * to a page or a call of the application. Requests without metadata headers count as such.
 */
export function canShowFlash(request: Request, status: number): boolean {
  // Without content: an upgrade, where Deno throws when the properties of the request are read, and a cached page.
  if (isFailure(status) || status === 101 || status === 304) return false;
  const { method, headers, url } = request;
  if (method === "HEAD" || method === "OPTIONS") return false;
  if (!SHOWN.has(headers.get("sec-fetch-dest") ?? "empty")) return false;
  if (PURPOSES.some((name) => headers.get(name)?.includes("prefetch"))) return false;
  return !UNASKED.test(new URL(url).pathname);
}
