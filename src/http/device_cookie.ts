import { type MessageSigner, TOKEN_PURPOSE } from "../crypto/message_signature.ts";
import type { DeviceCookie } from "../device/device_proofs.ts";
import { findAll } from "./cookie_header.ts";
import type { CookieTransport } from "./cookie_transport.ts";
import { cookieOf } from "./session_cookie.ts";

/** Makes the cookie that proves the device of a session: it has the attributes of the session cookie. */
export function makeDeviceCookie(
  { cookie }: CookieTransport,
  signer: MessageSigner,
): DeviceCookie {
  const name = deviceNameOf(cookie.name);
  return {
    name,
    read: (headers) => findAll(headers, name),
    heldToken({ url, headers }, changes, c) {
      const { path = "/" } = cookieOf(cookie, changes).attributes;
      const [value, ...others] = findAll(headers, cookie.name);
      // Browsers send no cookie to a path that it is not for.
      const isSent = `${new URL(url).pathname}/`.startsWith(path.replace(/\/?$/, "/"));
      return isSent && value && others.length === 0
        ? signer.verify(value, TOKEN_PURPOSE, c)
        : undefined;
    },
    serialize: (value, { maxAge, changes }) =>
      cookieOf(cookie, changes).serialize(value, { name, maxAge }),
    attributes: (changes) =>
      cookieOf(cookie, changes).serialize("", { name }).slice(name.length + 3)
        // Chromium registers no key with it.
        .replace(/; Priority=\w+/, ""),
  };
}

/** Returns the name of the cookie that proves the device, by that of the session cookie. */
export function deviceNameOf(cookieName: string): string {
  return `${cookieName}-device`;
}
