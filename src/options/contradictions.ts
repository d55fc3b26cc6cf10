import type { StoreCapabilities } from "../store/contract.ts";
import { refuse } from "../util/option_errors.ts";
import type { GivenOptions } from "./read_options.ts";

const SERVER = "a store on the server is required";
const ATOMIC = "an atomic store on the server is required";
const NO_COOKIE = "there is no cookie, cookieName is false";

/** @throws {TypeError} When options contradict each other or the store. */
export function checkContradictions(
  options: GivenOptions,
  { stateless, atomic, index }: StoreCapabilities,
): void {
  const { store, secret, device, rotate, token } = options;
  const { cookieName, cookieOptions = {}, existsCookieName, existsCookieOptions } = options;
  const isWithoutCookie = cookieName === false;
  if (device) {
    if (stateless) refuse("device", SERVER);
    if (secret === undefined) refuse("device", "secret is missing, which signs its proofs");
    if (isWithoutCookie) refuse("device", NO_COOKIE);
    if (rotate) {
      refuse(
        "device",
        "rotate gives sessions new tokens, which are not bound; leave rotate out, the binding replaces it",
      );
    }
    if (cookieOptions.partitioned) {
      refuse("cookieOptions.partitioned", "browsers bind no partitioned cookies, and device is on");
    }
  }
  if (options.encoder && store) refuse("encoder", "pass it to the store, not to the middleware");
  if (secret !== undefined && store && stateless) {
    refuse("secret", "pass it to the cookie store, not to the middleware");
  }
  if (rotate && !atomic) refuse("rotate", `${ATOMIC}; elsewhere call regenerate() at login`);
  if (options.maxSessions && !index) {
    refuse("maxSessions", "a store that lists the sessions of a subject is required");
  }
  if (options.revokeEverything && !atomic) {
    refuse("revokeEverything", `${ATOMIC}; sessions in cookies end when their secret changes`);
  }
  if (token) {
    if (stateless) refuse("token", SERVER);
    if (rotate) refuse("rotate", "rotation would invalidate issued tokens");
    if ((token.secret ?? secret) === undefined) {
      refuse("token.secret", "it is missing, and so is secret");
    }
    if (/^cookie$/i.test(token.header ?? "")) {
      refuse("token.header", "this header carries the cookies; name another one");
    }
  }
  if (isWithoutCookie) {
    if (!token) refuse("cookieName", "without a cookie, token is required");
    if (Object.keys(cookieOptions).length > 0) refuse("cookieOptions", NO_COOKIE);
    for (const name of ["existsCookieName", "adopt", "persistent"] as const) {
      if (options[name] !== undefined) refuse(name, NO_COOKIE);
    }
  }
  if (existsCookieOptions && existsCookieName === undefined) {
    refuse("existsCookieOptions", "existsCookieName is missing");
  }
}
