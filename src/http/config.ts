import type { MessageSigner } from "../crypto/message_signature.ts";
import type { StoredSession } from "../record/record.ts";
import type { SessionsConfig } from "../request/sessions.ts";
import type { SessionObject } from "../session/session_object.ts";
import type { AccessTokens } from "./access_token_jwt.ts";
import type { BearerPlaces } from "./bearer_tokens.ts";
import type { CookieTransport } from "./cookie_transport.ts";

/** The options of a middleware, by name. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** The configuration of the middleware. */
export interface MiddlewareConfig extends SessionsConfig {
  /** The transport in cookies, unless only access tokens are used. */
  readonly transport: CookieTransport | undefined;
  /** Access tokens for clients without cookies. */
  readonly bearer: Bearer | undefined;
  /** The options from which it was made. */
  readonly options: GivenOptions;
  readonly signer: MessageSigner | undefined;
  readonly cacheControl: boolean;
  /** The request headers that identify the session, as the value of `Vary`. */
  readonly vary: string;
  readonly contextKey: string;
  readonly lazy: boolean;
}
/** Access tokens for clients without cookies. */
export interface Bearer extends BearerPlaces {
  readonly tokens: AccessTokens;
  /** Issues the token of a session. */
  readonly issue: (stored: StoredSession, session: SessionObject, c: unknown) => Promise<string>;
}
