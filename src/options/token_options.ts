import type { SecretOption } from "../crypto/secrets.ts";
import { AccessTokens } from "../http/access_token_jwt.ts";
import type { Bearer } from "../http/config.ts";
import { asSession } from "../session/session_object.ts";
import type { Clock } from "../util/clock.ts";
import type { WholeOptions } from "./read_options.ts";

/**
 * Makes the access tokens of clients without cookies.
 *
 * @throws {TypeError} When a secret is invalid.
 * @throws {RangeError} When a secret is too short.
 */
export function makeBearer(
  options: NonNullable<WholeOptions["token"]>,
  { secret, clock }: { secret: SecretOption | undefined; clock: Clock },
): Bearer {
  const { maxAge, audience, payload, queryParam, header } = options;
  const tokens = new AccessTokens({ secret: (options.secret ?? secret)!, maxAge, audience, clock });
  return {
    queryParam,
    header,
    tokens,
    async issue({ key }, session, c) {
      return await tokens.sign(key, await payload(asSession(session)), c);
    },
  };
}
