import type { SecretOption } from "../crypto/secrets.ts";
import { AccessTokens } from "../http/access_token.ts";
import { BearerTransport } from "../http/bearer_transport.ts";
import type { Bearer } from "../http/config.ts";
import { asSession } from "../session/session_object.ts";
import type { Clock } from "../util/clock.ts";
import { refuse } from "../util/option_errors.ts";
import type { SessionTokenOptions } from "./options.ts";

/** The characters of a header's name (RFC 9110, 5.6.2), and enough for that of a query parameter. */
const NAME_REGEXP = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * The tokens of clients that keep no cookies.
 *
 * @throws {TypeError} When a name is none.
 * @throws {RangeError} When a secret is too short.
 */
export function makeBearer<Data extends object>(
  options: SessionTokenOptions<Data>,
  { secret, clock }: { secret: SecretOption | undefined; clock: Clock },
): Bearer {
  const {
    maxAge,
    queryParam = "token",
    header = "Authorization",
    audience,
    payload = () => ({}),
  } = options;
  for (const [name, value] of Object.entries({ queryParam, header })) {
    if (value !== false && !NAME_REGEXP.test(value)) refuse(`token.${name}`, "it is not a name");
  }
  const tokens = new AccessTokens({ secret: (options.secret ?? secret)!, maxAge, audience, clock });
  return {
    transport: new BearerTransport({ queryParam, header }),
    tokens,
    async issue({ key }, session, c) {
      return await tokens.sign(key, await payload(asSession<Data>(session)), c);
    },
  };
}
