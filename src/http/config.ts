import type { TokenSigner } from "../crypto/token_signature.ts";
import type { StoredSession } from "../record/record.ts";
import type { SessionsConfig } from "../request/sessions.ts";
import type { SessionObject } from "../session/session_object.ts";
import type { AccessTokens } from "./access_token_jwt.ts";
import type { BearerTransport } from "./bearer_transport.ts";
import type { CookieTransport } from "./cookie_transport.ts";
import type { InsecureOrigin } from "./insecure_origin.ts";

/** The options that a middleware was made of, by name. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** What the middleware works with. */
export interface MiddlewareConfig extends SessionsConfig {
  /** Where tokens travel, unless they are given by hand alone. */
  readonly transport: CookieTransport | undefined;
  /** How sessions are opened without a cookie. */
  readonly bearer: Bearer | undefined;
  /** The options that it was made of. */
  readonly options: GivenOptions;
  readonly signer: TokenSigner | undefined;
  readonly commitOnError: boolean;
  readonly cacheControl: boolean;
  /** The headers of a request that say which session it is, as a list in a header. */
  readonly vary: string;
  /** Warns of browsers that drop the cookie. */
  readonly insecureOrigin: InsecureOrigin;
  readonly contextKey: string;
  readonly lazy: boolean;
}
/** How sessions are opened without a cookie. */
export interface Bearer {
  readonly transport: BearerTransport;
  readonly tokens: AccessTokens;
  /** Makes the token of a session. */
  readonly issue: (stored: StoredSession, session: SessionObject, c: unknown) => Promise<string>;
}
