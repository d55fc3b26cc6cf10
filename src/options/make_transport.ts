import {
  CookieTemplate,
  type FormerCookieScope,
  type RefuseAttribute,
  type SessionCookieOptions,
} from "../http/cookie_attributes.ts";
import { CookieTransport } from "../http/cookie_transport.ts";
import { deviceNameOf } from "../http/device_cookie.ts";
import { MOST_CHUNKS } from "../util/cookie_limits.ts";
import { refuse } from "../util/option_errors.ts";
import type { WholeOptions } from "./read_options.ts";

type CookieOptions = Pick<
  WholeOptions,
  "cookieName" | "cookieOptions" | "existsCookieName" | "existsCookieOptions" | "adopt" | "device"
>;

/**
 * Makes the session cookie, and the second cookie for scripts.
 *
 * @throws {TypeError} When a browser would reject a cookie, or an attribute is invalid.
 */
export function makeTransport(
  { cookieName, cookieOptions, existsCookieName, existsCookieOptions, adopt, device }:
    CookieOptions,
  chunks: number,
): CookieTransport | undefined {
  if (cookieName === false) return undefined;
  const shown = makeCookie("cookie", cookieName, cookieOptions);
  const { cookie } = shown;
  const adopted = adopt && makeAdopted(cookie, adopt);
  const deviceName = device && deviceNameOf(cookie.name);
  const common = { ...shown, adopted, chunks, deviceName };
  if (existsCookieName === undefined) return new CookieTransport(common);
  const { prefix: _, ...shared } = cookieOptions;
  const { cookie: exists, former: existsFormer } = makeCookie("existsCookie", existsCookieName, {
    ...shared,
    ...existsCookieOptions,
    httpOnly: false,
  });
  const taken = Array.from({ length: MOST_CHUNKS }, (_, index) => `${cookie.name}.${index}`);
  if ([cookie.name, deviceName, ...taken].includes(exists.name)) {
    refuse("existsCookieName", "it is the name of the session's own cookie");
  }
  return new CookieTransport({ ...common, exists, existsFormer });
}

/** Makes a cookie, and the same cookie in its former scopes. */
function makeCookie(
  option: string,
  name: string,
  { former = [], ...attributes }: SessionCookieOptions,
): { cookie: CookieTemplate; former: CookieTemplate[] } {
  const within = `${option}Options`;
  const refuseHere = refusing(`${option}Name or ${within}`, within);
  const cookie = new CookieTemplate({ ...attributes, name, refuse: refuseHere });
  const inScope = (scope: FormerCookieScope, at: number): CookieTemplate => {
    const name = `${within}.former[${at}]`;
    const former = cookie.inScope(scope, { refuse: refusing(name, name) });
    return former.isSameAs(cookie) ? refuse(name, "it is the scope of the cookie now") : former;
  };
  return { cookie, former: former.map(inScope) };
}

/** Returns the cookie of another library, as it is cleared. */
function makeAdopted(
  own: CookieTemplate,
  { cookie, cookieOptions = {} }: NonNullable<CookieOptions["adopt"]>,
): CookieTemplate {
  const refuse = refusing("adopt.cookie or adopt.cookieOptions", "adopt.cookieOptions");
  return own.inScope(cookieOptions, { name: cookie, refuse });
}

/** Refuses attributes of an option. */
function refusing(cookie: string, within: string): RefuseAttribute {
  return (attribute, state) =>
    refuse(attribute === "cookie" ? cookie : `${within}.${attribute}`, state);
}
