import type { DeviceCookie } from "../device/device.ts";
import { findAll } from "./cookie_header.ts";
import type { CookieTransport } from "./cookie_transport.ts";
import { cookieOf } from "./session_cookie.ts";

/** Makes the cookie that proves the device of a session: it has the attributes of the session cookie. */
export function makeDeviceCookie({ cookie }: CookieTransport): DeviceCookie {
  const name = deviceNameOf(cookie.name);
  return {
    name,
    read: (headers) => findAll(headers.get("cookie") ?? "", name),
    serialize: (value, { maxAge, changes }) =>
      cookieOf(cookie, changes).serialize(value, { name, maxAge }),
    attributes: (changes) =>
      cookieOf(cookie, changes).serialize("", { name }).slice(name.length + 3),
  };
}

/** Returns the name of the cookie that proves the device, by that of the session cookie. */
export function deviceNameOf(cookieName: string): string {
  return `${cookieName}-device`;
}
