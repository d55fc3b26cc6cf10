import { makeToken } from "../src/crypto/token.ts";
import type { SessionStore } from "../src/store/contract.ts";
import type { DefaultStoreOptions } from "../src/store/default_store.ts";
import { systemClock } from "../src/util/clock.ts";
import { SealedCookieStore } from "./cookie.ts";
import { DenoKvStore } from "./deno_kv.ts";

let denoKv: DenoKvStore | undefined;

/**
 * The store of sessions that were given none: Deno KV where there is one, else the sealed cookie, which an
 * encoder asks for anyway.
 */
export function defaultStore(
  { secret, encoder, logger, clock }: DefaultStoreOptions,
): SessionStore {
  const { Deno } = globalThis as { Deno?: { openKv?: unknown } };
  if (!encoder && typeof Deno?.openKv === "function") {
    return clock === systemClock ? denoKv ??= new DenoKvStore() : new DenoKvStore({ clock });
  }
  const options = { clock, ...(encoder ? { encoder } : {}) };
  if (secret !== undefined) {
    if (Deno && !encoder) {
      logger.warn(
        "hono-session: Deno KV is switched off, so sessions are in sealed cookies. A copy of such a cookie stays " +
          "valid after a logout, and sessions can't be listed. Start Deno with --unstable-kv, or give session() a " +
          "store: with new SealedCookieStore({ secret }) it stays as it is.",
      );
    }
    return new SealedCookieStore({ secret, ...options });
  }
  logger.warn(
    "hono-session: there is no secret, so cookies are sealed with a random one and all sessions end with this " +
      "process. Give session() a secret or a store. Without a store it uses Deno KV where there is one: on Deno " +
      "that needs --unstable-kv.",
  );
  return new SealedCookieStore({ secret: makeToken(), ...options });
}
