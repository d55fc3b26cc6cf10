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

/** The configurations whose logger has received the warning. */
const warned = new WeakSet<object>();

/**
 * Warns once when a browser drops the cookie of a response because it came over HTTP, and not from the local machine.
 * Browsers send `Sec-Fetch-Site` only to origins that they trust, which distinguishes requests
 * that a TLS-terminating proxy forwards.
 */
export function warnOfInsecureOrigin(
  config: { readonly logger: Logger },
  { url, headers }: Request,
  { attributes: { secure } }: CookieTemplate,
): void {
  if (warned.has(config) || !secure || !PLAIN_REGEXP.test(url)) return;
  if (headers.has("sec-fetch-site")) return;
  if (!BROWSER_REGEXP.test(headers.get("user-agent") ?? "")) return;
  const { hostname, origin } = new URL(url);
  if (LOOPBACK_REGEXP.test(hostname) || !isAskedFor(origin, headers)) return;
  warned.add(config);
  config.logger.warn(
    `Cannot keep session cookie: it is Secure, and browsers drop it from ${origin}; ` +
      "open http://localhost, serve HTTPS, or set cookieOptions: { secure: false } for development",
  );
}

/** Checks whether the browser itself requested an origin, as far as its headers show. A proxy changes the scheme. */
function isAskedFor(origin: string, headers: Headers): boolean {
  const from = headers.get("origin") ?? "null";
  if (from !== "null") return from === origin;
  const referrer = headers.get("referer");
  if (referrer !== null) return referrer.startsWith(`${origin}/`);
  return MODERN_REGEXP.test(headers.get("user-agent") ?? "");
}
