import {
  CookieAttributeError,
  CookieTemplate,
  type FormerCookieScope,
  SCOPE_SHAPES,
  type SessionCookieOptions,
} from "../http/cookie_attributes.ts";
import { CookieTransport } from "../http/cookie_transport.ts";
import { deviceNameOf } from "../http/device_cookie.ts";
import { MOST_CHUNKS } from "../util/cookie_limits.ts";
import { refuse } from "../util/option_errors.ts";
import { checkShape } from "../util/option_table.ts";
import { definedOf } from "../util/property.ts";
import type { WholeOptions } from "./given_options.ts";

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
  const { former: formerScopes, ...attributes } = cookieOptions;
  const cookie = makeTemplate("cookie", cookieName, attributes);
  const former = checkFormer("cookie", cookie, formerScopes);
  const adopted = adopt && makeAdopted(cookie, adopt);
  const deviceName = device && deviceNameOf(cookie.name);
  const shown = { cookie, former, adopted, chunks, deviceName };
  if (existsCookieName === undefined) return new CookieTransport(shown);
  const { prefix: _, ...shared } = cookieOptions;
  const { former: existsFormerScopes, ...existsAttributes } = {
    ...shared,
    ...definedOf(existsCookieOptions),
    httpOnly: false,
  };
  const exists = makeTemplate("existsCookie", existsCookieName, existsAttributes);
  const existsFormer = checkFormer("existsCookie", exists, existsFormerScopes);
  const taken = Array.from({ length: MOST_CHUNKS }, (_, index) => `${cookie.name}.${index}`);
  if ([cookie.name, deviceName, ...taken].includes(exists.name)) {
    refuse("existsCookieName", "it is the name of the session's own cookie");
  }
  return new CookieTransport({ ...shown, exists, existsFormer });
}

/** Returns the cookie in its former scopes. */
function checkFormer(
  option: string,
  cookie: CookieTemplate,
  scopes: readonly FormerCookieScope[] = [],
): CookieTemplate[] {
  return scopes.map((scope, at) => {
    const name = `${option}Options.former[${at}]`;
    checkShape(name, { value: scope ?? null, shapes: [{ shapes: SCOPE_SHAPES }] });
    const former = attempt(() => cookie.inScope(scope), { name, within: name });
    return former.hasScopeOf(cookie) ? refuse(name, "it is the scope of the cookie now") : former;
  });
}

/** Returns the cookie of another library, as it is cleared. */
function makeAdopted(
  own: CookieTemplate,
  { cookie, cookieOptions = {} }: NonNullable<CookieOptions["adopt"]>,
): CookieTemplate {
  const names = { name: "adopt.cookie or adopt.cookieOptions", within: "adopt.cookieOptions" };
  return attempt(() => own.inScope(cookieOptions, cookie), names);
}

function makeTemplate(
  option: string,
  name: string,
  attributes: Omit<SessionCookieOptions, "former">,
): CookieTemplate {
  const names = { name: `${option}Name or ${option}Options`, within: `${option}Options` };
  return attempt(() => new CookieTemplate(name, attributes), names);
}

/** @throws {TypeError} When a browser would reject the cookie. The error names the option. */
function attempt(
  make: () => CookieTemplate,
  { name, within }: { name: string; within: string },
): CookieTemplate {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof CookieAttributeError)) throw error;
    const { attribute, state } = error;
    return refuse(attribute === "cookie" ? name : `${within}.${attribute}`, state);
  }
}
