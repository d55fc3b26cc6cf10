import type { Logger } from "../events.ts";
import type { CookieTemplate } from "./cookie_attributes.ts";

const PLAIN_REGEXP = /^http:/;

/** The names of the local machine, which most browsers trust without TLS (W3C Secure Contexts, 3.1). */
const LOOPBACK_REGEXP = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Browsers. Programs that imitate their `User-Agent` contain the excluded word. */
const BROWSER_REGEXP = /^Mozilla\/5\.0 \((?!.*\bcompatible;)/;

/** Browsers that are new enough to send `Sec-Fetch-Site`. */
const MODERN_REGEXP =
  /(?:Chrome|Edg)\/(?:[89]|\d\d)\d\b|Firefox\/(?:9|\d\d)\d\b|Version\/(?:1[7-9]|[2-9]\d)\b.* Safari\//;

/**
 * Warns once when a browser drops the cookie because it came over HTTP to an address other than that of the
 * local machine. Browsers send `Sec-Fetch-Site` only to origins that they trust, which distinguishes requests
 * that a TLS-terminating proxy forwards.
 */
export class InsecureOrigin {
  readonly #logger: Logger;
  #isTold = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Checks a request whose response sends the cookie. */
  look({ url, headers }: Request, cookie: CookieTemplate): void {
    if (this.#isTold || !cookie.attributes.secure || !PLAIN_REGEXP.test(url)) return;
    if (headers.has("sec-fetch-site") || !comesFromBrowser(headers)) return;
    const { hostname, origin } = new URL(url);
    if (LOOPBACK_REGEXP.test(hostname) || !isAskedFor(origin, headers)) return;
    this.#isTold = true;
    this.#logger.warn(
      `Cannot keep session cookie: it is Secure, and browsers drop it from ${origin}; ` +
        "open http://localhost, serve HTTPS, or set cookieOptions: { secure: false } for development",
    );
  }
}

function comesFromBrowser(headers: Headers): boolean {
  return BROWSER_REGEXP.test(headers.get("user-agent") ?? "");
}

/** Checks whether the browser itself requested an origin, as far as its headers show. A proxy changes the scheme. */
function isAskedFor(origin: string, headers: Headers): boolean {
  const from = headers.get("origin") ?? "null";
  if (from !== "null") return from === origin;
  const referrer = headers.get("referer");
  if (referrer !== null) return referrer.startsWith(`${origin}/`);
  return MODERN_REGEXP.test(headers.get("user-agent") ?? "");
}
