import type { Awaitable } from "../util/awaitable.ts";

/**
 * Your own encoding of the session in a cookie. It must encrypt and authenticate: data that `decode` returns
 * are trusted.
 *
 * @example Usage
 * ```ts
 * import { SealedCookieStore, type SessionEncoder } from "@x/hono-session/stores/cookie";
 *
 * const encoder: SessionEncoder = {
 *   encode: (data, _secret) => btoa(JSON.stringify(data)), // Not encrypted: for an example only.
 *   decode: (value, _secret) => JSON.parse(atob(value)),
 * };
 * new SealedCookieStore({ secret: "at least thirty-two characters, from the environment", encoder });
 * ```
 */
export interface SessionEncoder {
  /**
   * Encodes a session as a text.
   *
   * @param data The data of the session, a plain object of JSON values; its member `hono-session` holds
   * everything else that is stored.
   * @param secret The first secret.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its data.
  encode(data: Record<string, any>, secret: string): Awaitable<string>;

  /**
   * Decodes a text to the object that was passed to `encode`, including its member `hono-session`. It is called
   * after each `encode` to check this: a missing member is an error, and an added member becomes data. For an
   * invalid text it throws, or returns something else than an object.
   *
   * @param value The text.
   * @param secret One of the secrets. All are tried.
   */
  decode(value: string, secret: string): unknown;
}
