import { allOf, andThen, type Awaitable } from "../util/awaitable.ts";
import { fromBase64Url, toBase64Url } from "./base64url.ts";
import { hashToken } from "./store_key.ts";

const SID_BYTES = 16;

/** The values that are derived from the cookie of another library. */
export interface AdoptedToken {
  /** The key of the trace that leads to the adopted session. */
  readonly key: string;
  /** The public identifier of the adopted session. */
  readonly sid: string;
}

/**
 * Derives the key and the `sid` of an adopted session from the cookie that it had. They are the same in all
 * processes. They say nothing about the cookie, and no token of a client has this key.
 *
 * @param names The name of the session's cookie, and that of the other library.
 * @param value The value of the other library's cookie.
 */
export function deriveAdopted(
  names: readonly string[],
  value: string,
): Awaitable<AdoptedToken> {
  const text = JSON.stringify([...names, value]);
  return andThen(
    allOf([
      hashToken(`hono-session adopted ${text}`),
      hashToken(`hono-session adopted sid ${text}`),
    ]),
    ([key, hash]) => ({
      key: key!,
      sid: toBase64Url(fromBase64Url(hash!)!.subarray(0, SID_BYTES)),
    }),
  );
}

/** Returns the key of the mark of sessions that must not be adopted any more. */
export function endedKey(whose: readonly unknown[]): Awaitable<string> {
  return hashToken(`hono-session adopted ended ${JSON.stringify(whose)}`);
}
