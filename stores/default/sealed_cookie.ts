import { makeToken } from "../../src/crypto/token.ts";
import type { SessionStore } from "../../src/store/contract.ts";
import type { DefaultStoreOptions } from "../../src/store/store_options.ts";
import { SealedCookieStore } from "../cookie/sealed.ts";

/** Creates the default store where Deno KV is not available: a sealed cookie. */
export function defaultStore(
  { secret, encoder, logger, clock }: DefaultStoreOptions,
): SessionStore {
  const options = { clock, ...(encoder ? { encoder } : {}) };
  if (secret !== undefined) return new SealedCookieStore({ secret, ...options });
  const random = makeRandomSecret();
  logger.warn(
    "hono-session: there is no secret, so cookies are sealed with a random one and all sessions end with this " +
      "process. Pass session() a secret or a store. On Deno, --unstable-kv makes Deno KV the default store.",
  );
  return new SealedCookieStore({ secret: random, ...options });
}

/**
 * @throws {TypeError} When no random values are available, as on Workers while a module loads. A secret per
 * isolate would not work anyway.
 */
function makeRandomSecret(): string {
  try {
    return makeToken();
  } catch (cause) {
    throw new TypeError(
      "Cannot build session middleware: option secret is missing; on Cloudflare Workers pass secret: (c) => c.env.SECRET",
      { cause },
    );
  }
}
