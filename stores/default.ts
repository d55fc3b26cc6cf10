import type { SessionStore } from "../src/store/contract.ts";
import type { DefaultStoreOptions } from "../src/store/store_options.ts";
import { systemClock } from "../src/util/clock.ts";
import { defaultStore as sealedCookie } from "./default/sealed_cookie.ts";
import { DenoKvStore } from "./deno_kv.ts";

let denoKv: DenoKvStore | undefined;

/**
 * Creates the default store: Deno KV where it is available, else the sealed cookie. With the option `encoder`
 * it is always the sealed cookie.
 */
export function defaultStore(options: DefaultStoreOptions): SessionStore {
  const { secret, encoder, logger, clock } = options;
  const { Deno } = globalThis as { Deno?: { openKv?: unknown } };
  if (!encoder && typeof Deno?.openKv === "function") {
    return clock === systemClock ? denoKv ??= new DenoKvStore() : new DenoKvStore({ clock });
  }
  if (Deno && !encoder && secret !== undefined) {
    logger.warn(
      "hono-session: Deno KV is switched off, so sessions are in sealed cookies. A copy of such a cookie stays " +
        "valid after a logout, and sessions can't be listed. Start Deno with --unstable-kv, or pass session() a " +
        "store: new SealedCookieStore({ secret }) keeps sealed cookies.",
    );
  }
  return sealedCookie(options);
}
