/**
 * Sessions in their own cookies, without a database: encrypted, sealed, signed or unsigned.
 *
 * The client holds the session. Without `revocations` the server can't end it early: a copy of a cookie stays
 * valid after logout. Concurrent requests overwrite each other's changes, and browsers limit a cookie to 4096
 * bytes. If any of that matters, use a store on the server.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session";
 * import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new EncryptedCookieStore({ secret: "at least thirty-two characters, from the environment" });
 * const app = new Hono().use(session<{ name?: string }>({ store })).get("/", (c) => {
 *   const name = c.var.session.name ?? "nobody";
 *   c.var.session.name = "Ada";
 *   return c.text(name);
 * });
 *
 * const first = await app.request("/");
 * const cookie = first.headers.getSetCookie()[0]!.split(";")[0]!;
 * const second = await app.request("/", { headers: { cookie } });
 * assertEquals(await second.text(), "Ada");
 * ```
 *
 * @module
 */

export type { SessionEncoder } from "../src/crypto/encoder.ts";
export { CookieStore, type CookieStoreOptions } from "./cookie/cookie_store.ts";
export { EncryptedCookieStore, type EncryptedCookieStoreOptions } from "./cookie/encrypted.ts";
export type { CookieContext, CookieFormat, OpenedCookie } from "./cookie/format.ts";
export { Revocations } from "./cookie/revocation/revocations.ts";
export { SealedCookieStore, type SealedCookieStoreOptions } from "./cookie/sealed.ts";
export { SignedCookieStore, type SignedCookieStoreOptions } from "./cookie/signed.ts";
export { UnsignedCookieStore, type UnsignedCookieStoreOptions } from "./cookie/unsigned.ts";
