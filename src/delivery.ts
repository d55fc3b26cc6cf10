import { cookieMaxAge, deadline, type ExpiryPolicy } from "./expiry.ts";
import type { Stored } from "./session_state.ts";

/** What the client is to be told when a request ends. */
export interface Delivery {
  /** The token that it gets; `undefined` to forget the one that it has. */
  readonly token: string | undefined;
  /** How long the client keeps it, in seconds; `undefined` until it is closed. */
  readonly maxAge?: number | undefined;
  /** The JSON text of what the session changed of its cookie. */
  readonly cookie?: string | undefined;
  /** The same of the cookie that the client holds until now. */
  readonly held: string | undefined;
}

/** What tells the client of the token of a session that is stored. */
export function toDelivery(
  { token, record }: Stored,
  { held, now, expiry }: { held: string | undefined; now: number; expiry: ExpiryPolicy },
): Delivery {
  return {
    token,
    maxAge: record.browser ? undefined : cookieMaxAge(deadline(expiry, record), now),
    cookie: record.cookie,
    held,
  };
}
