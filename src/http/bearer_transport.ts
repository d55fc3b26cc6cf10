/** Options of {@linkcode BearerTransport}. */
export interface BearerTransportOptions {
  /** The name of the query parameter. */
  readonly queryParam: string | false;
  /** The name of the header. */
  readonly header: string;
}

const BEARER_REGEXP = /^Bearer +(\S+) *$/i;

/** Reads access tokens from the query and from a header (RFC 6750, 2.1 and 2.3). */
export class BearerTransport {
  readonly header: string;
  readonly #queryParam: string | false;

  constructor({ queryParam, header }: BearerTransportOptions) {
    this.header = header;
    this.#queryParam = queryParam;
  }

  /** Returns the tokens of a request, the one with precedence first. */
  read({ url, headers }: Request): string[] {
    return [this.#inQuery(url), this.#inHeader(headers)].filter((token) => token !== undefined);
  }

  #inQuery(url: string): string | undefined {
    if (this.#queryParam === false || !url.includes("?")) return undefined;
    return new URL(url).searchParams.get(this.#queryParam) ?? undefined;
  }

  #inHeader(headers: Headers): string | undefined {
    const value = headers.get(this.header) ?? undefined;
    const [, token] = BEARER_REGEXP.exec(value ?? "") ?? [];
    // In other headers the token may stand without `Bearer`.
    return token ?? (this.header.toLowerCase() === "authorization" ? undefined : value);
  }
}
