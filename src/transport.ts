/** Where a token travels. */
export interface Transport {
  /** The token that a request presents, whatever it is worth. */
  read(headers: Headers): string | undefined;

  /** Sends a token with a response. */
  write(headers: Exchange, token: SentToken): void;

  /** Tells the client to forget its token. */
  clear(headers: Exchange): void;
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
}
