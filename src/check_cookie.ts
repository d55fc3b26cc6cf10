import {
  CookieTransport,
  type CookieTransportOptions,
  type SessionCookieOptions,
} from "./cookie_transport.ts";
import { refuse } from "./misuse.ts";

/** The attributes of a cookie, and the type or the texts that each takes. */
const ATTRIBUTES: Readonly<Record<keyof SessionCookieOptions, string | readonly string[]>> = {
  domain: "string",
  httpOnly: "boolean",
  partitioned: "boolean",
  path: "string",
  prefix: ["host", "secure"],
  priority: ["low", "medium", "high"],
  sameSite: ["strict", "lax", "none"],
  secure: "boolean",
};

/**
 * Checks the cookie of sessions.
 *
 * @throws {TypeError} When a browser would refuse it, or an attribute is not what it should be.
 */
export function checkCookie(options: CookieTransportOptions): CookieTransport {
  const { attributes } = options;
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute === "maxAge" || attribute === "expires") {
      refuse(`cookieOptions.${attribute}`, "it follows the session, see maxAge");
    }
    if (!isAttribute(attribute, value)) {
      refuse(`cookieOptions.${attribute}`, "there is no such attribute or it takes something else");
    }
  }
  const { sameSite = "Lax", secure = true } = attributes;
  if (sameSite.toLowerCase() === "none" && !secure) {
    refuse("cookieOptions.sameSite", '"None" needs secure');
  }
  try {
    return new CookieTransport(options);
  } catch (cause) {
    const state = cause instanceof Error ? cause.message : "a browser would refuse the cookie";
    throw new TypeError(
      `Cannot build session middleware: cookieName or cookieOptions is not valid: ${state}`,
      { cause },
    );
  }
}

function isAttribute(name: string, value: unknown): boolean {
  if (!Object.hasOwn(ATTRIBUTES, name)) return false;
  const allowed = ATTRIBUTES[name as keyof SessionCookieOptions];
  if (value === undefined) return true;
  const type: string = typeof value;
  return typeof allowed === "string"
    ? type === allowed
    : typeof value === "string" && allowed.includes(value.toLowerCase());
}
