import { isFailure } from "./response_status.ts";

/** Destinations of pages and of requests by scripts (Fetch Metadata). */
const SHOWN = new Set(["document", "iframe", "frame", "fencedframe", "empty"]);

/** Headers of requests whose response is not shown yet, of browsers and of libraries that can't send theirs. */
const PURPOSES = ["sec-purpose", "x-sec-purpose", "purpose", "x-moz"];

/** Paths that browsers request by themselves. */
const UNASKED = /^\/\.well-known\/|\/(favicon\.ico|apple-touch-icon[^/]*\.png)$/;

/** Statuses of responses that show nothing: an upgrade, and the page that the browser has already. */
const EMPTY_HANDED = [101, 304];

/**
 * Whether the answer to a request can show what was flashed before it, so that it has had its day: that of a page or a
 * call of the application, which did not fail. What says nothing of itself can.
 */
export function canShowFlash(request: Request, status: number): boolean {
  // Deno throws when the properties of an upgraded request are read.
  if (isFailure(status) || EMPTY_HANDED.includes(status)) return false;
  const { method, headers, url } = request;
  if (method === "HEAD" || method === "OPTIONS") return false;
  if (!SHOWN.has(headers.get("sec-fetch-dest") ?? "empty")) return false;
  if (PURPOSES.some((name) => headers.get(name)?.includes("prefetch"))) return false;
  return !UNASKED.test(new URL(url).pathname);
}
