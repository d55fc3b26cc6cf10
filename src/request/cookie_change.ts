import { cookieMaxAge, deadline, type ExpiryPolicy, isPersistent } from "../record/expiry.ts";
import type { SessionState } from "../session/session_state.ts";
import type { Clock } from "../util/clock.ts";

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

/** What is known of a request that ends. */
export interface Ending {
  /** The JSON text of what the session changed of the cookie that the client came with. */
  readonly held: string | undefined;
  /** Whether the client presented a cookie that identifies nothing. */
  readonly isStale: boolean;
  /** Whether a session whose cookie the client holds was ended. */
  readonly hasDeleted: boolean;
  /** Whether a session is the one that an access token identified. */
  isByToken(state: SessionState): boolean;
  readonly config: { readonly clock: Clock; readonly expiry: ExpiryPolicy };
}

/** What the client is to be told of its session, if there is anything. */
export function deliveryOf(
  state: SessionState | undefined,
  { held, isStale, hasDeleted, isByToken, config }: Ending,
): Delivery | undefined {
  const clear = { token: undefined, held };
  if (!state) return hasDeleted || isStale ? clear : undefined;
  const { deliver, stored } = state;
  if (!stored) return hasDeleted ? clear : undefined;
  const { token, record } = stored;
  // A link that carries a token must not make its session that of the browser that follows it.
  if (!deliver || state.isLate || token === undefined || isByToken(state)) return undefined;
  const end = deadline(config.expiry, record);
  const maxAge = isPersistent(config.expiry, record)
    ? cookieMaxAge(end, config.clock())
    : undefined;
  return { token, maxAge, cookie: record.cookie, held };
}
