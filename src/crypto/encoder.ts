import type { Awaitable } from "../util/awaitable.ts";

/**
 * Your own way to turn what a cookie holds into a text and back. It must encrypt and authenticate: what
 * `decode` lets pass is believed.
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
   * The text of a session.
   *
   * @param data The data of the session, a plain object that JSON can hold, and under `hono-session` what else is kept of it.
   * @param secret The first of the secrets.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its data.
  encode(data: Record<string, any>, secret: string): Awaitable<string>;

  /**
   * What a text was made of: every member of the data that `encode` was given, `hono-session` too. It is asked after each
   * `encode`, and what it loses is an error. What it adds becomes data. For a text that is no good it throws or
   * gives anything else.
   *
   * @param value The text.
   * @param secret One of the secrets; all are tried.
   */
  decode(value: string, secret: string): unknown;
}
