/** Where access tokens are read from. */
export interface BearerPlaces {
  /** The name of the query parameter. */
  readonly queryParam: string | false;
  /** The name of the header. */
  readonly header: string;
}

const BEARER_REGEXP = /^Bearer +(\S+) *$/i;

/**
 * Returns the access tokens in the query and in a header of a request (RFC 6750, 2.1 and 2.3), in order of
 * precedence.
 */
export function bearerTokens(
  { queryParam, header }: BearerPlaces,
  { url, headers }: Request,
): string[] {
  const inQuery = queryParam !== false && url.includes("?")
    ? new URL(url).searchParams.get(queryParam)
    : null;
  const value = headers.get(header);
  const [, token] = BEARER_REGEXP.exec(value ?? "") ?? [];
  // In other headers the token may stand without `Bearer`.
  const inHeader = token ?? (header.toLowerCase() === "authorization" ? null : value);
  return [inQuery, inHeader].filter((token) => token !== null);
}
