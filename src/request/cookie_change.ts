import type { SessionRecord } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";

/** What the client is to be told when a request ends. */
export interface Delivery {
  /** The token that it gets; `undefined` to forget the one that it has. */
  readonly token: string | undefined;
  /** The record that it identifies, whose life is that of the cookie. */
  readonly record?: SessionRecord;
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
}

/** What the client is to be told of its session, if there is anything. */
export function deliveryOf(
  state: SessionState | undefined,
  { held, isStale, hasDeleted, isByToken }: Ending,
): Delivery | undefined {
  const clear = { token: undefined, held };
  if (!state) return hasDeleted || isStale ? clear : undefined;
  const { deliver, stored } = state;
  if (!stored) return hasDeleted ? clear : undefined;
  const { token, record } = stored;
  // A link that carries a token must not make its session that of the browser that follows it.
  if (!deliver || state.isLate || token === undefined || isByToken(state)) return undefined;
  return { token, record, cookie: record.cookie, held };
}
