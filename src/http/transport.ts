import type { CookieTemplate } from "./cookie_attributes.ts";

/** Where a token travels that the client gives back by itself. */
export interface Transport {
  /** The cookie that it travels in. */
  readonly cookie: CookieTemplate;

  /** The tokens that a request presents, whatever they are worth, the first ones. */
  read(headers: Headers): readonly string[];

  /** The tokens that a response sends already. */
  sent(response: Headers): readonly string[];

  /** Whether a response already tells the client to forget its token, which it holds in a cookie with these attributes. */
  isCleared(response: Headers, held: CookieTemplate): boolean;

  /**
   * Sends a token with a response.
   *
   * @returns How many bytes of its header the token takes.
   */
  write(headers: Exchange, token: SentToken): number;

  /** Tells the client to forget its token, which it holds in a cookie with these attributes. */
  clear(headers: Exchange, held: CookieTemplate): void;
}

/** The headers of a request and of its response. */
export interface Exchange {
  readonly request: Headers;
  readonly response: Headers;
}

/** A token on its way to the client. */
export interface SentToken {
  readonly token: string;
  /** How long the client keeps it, in seconds; `undefined` until it is closed. */
  readonly maxAge: number | undefined;
  /** The cookie that it is sent in. */
  readonly cookie: CookieTemplate;
  /** The cookie that the client holds the token until now in. */
  readonly held: CookieTemplate;
}
