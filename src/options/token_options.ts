import type { SecretOption } from "../crypto/secrets.ts";
import { AccessTokens } from "../http/access_token.ts";
import { BearerTransport } from "../http/bearer_transport.ts";
import type { Bearer } from "../http/config.ts";
import { typed } from "../session/session_object.ts";
import type { Clock } from "../util/clock.ts";
import { refuse } from "../util/option_errors.ts";
import type { Shape } from "../util/option_table.ts";
import { checkMembers, checkSeconds } from "./check_shapes.ts";
import type { SessionTokenOptions } from "./options.ts";

const SHAPES: Readonly<Record<keyof SessionTokenOptions, readonly Shape[]>> = {
  secret: ["any"],
  maxAge: ["any"],
  queryParam: ["any"],
  header: ["string"],
  audience: ["string"],
  payload: ["async function"],
};

/** The characters of a header's name (RFC 9110, 5.6.2), and enough for that of a query parameter. */
const NAME_REGEXP = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Checks the options of tokens.
 *
 * @throws {TypeError} When one is unknown, missing or of the wrong kind.
 * @throws {RangeError} When a number is out of range, or a secret is too short.
 */
export function checkToken<Data extends object>(
  options: SessionTokenOptions<Data>,
  { secret, clock }: { secret: SecretOption | undefined; clock: Clock },
): Bearer {
  checkMembers("token", { value: options, shapes: SHAPES, instead: { ttl: "use maxAge" } });
  const {
    secret: own = secret,
    maxAge,
    queryParam = "token",
    header = "Authorization",
    audience,
    payload = () => ({}),
  } = options;
  if (own === undefined) refuse("token.secret", "it is missing, and so is secret");
  checkSeconds("token.maxAge", maxAge);
  const names = { queryParam: queryParam === false ? "none" : queryParam, header };
  for (const [name, value] of Object.entries(names)) {
    if (typeof value !== "string" || !NAME_REGEXP.test(value)) {
      refuse(`token.${name}`, "it is not a name");
    }
  }
  if (header.toLowerCase() === "cookie") refuse("token.header", "that is where cookies are");
  const tokens = new AccessTokens({ secret: own, maxAge, audience, clock });
  return {
    transport: new BearerTransport({ queryParam, header }),
    tokens,
    async issue({ key }, session, c) {
      return await tokens.sign(key, await payload(typed<Data>(session)), c);
    },
  };
}
