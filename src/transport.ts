/** Where a token travels. */
export interface Transport {
  /** The token that a request presents, whatever it is worth. */
  read(headers: Headers): string | undefined;

  /**
   * Sends a token with a response.
   *
   * @param headers The headers of the response.
   * @param token The token.
   * @param maxAge How long the client keeps it, in seconds; `undefined` until it is closed.
   */
  write(headers: Headers, token: string, maxAge: number | undefined): void;

  /** Tells the client to forget its token. */
  clear(headers: Headers): void;
}
