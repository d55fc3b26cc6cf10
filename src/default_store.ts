import { SealedCookieStore } from "../stores/cookie.ts";
import { DenoKvStore } from "../stores/deno_kv.ts";
import type { Logger } from "./events.ts";
import type { SessionStore } from "./store.ts";
import { makeToken } from "./token.ts";

let denoKv: DenoKvStore | undefined;

/** The store of sessions that were given none: Deno KV where there is one, else the sealed cookie. */
export function defaultStore(
  secret: string | readonly string[] | undefined,
  logger: Logger,
): SessionStore {
  if (typeof (globalThis as { Deno?: { openKv?: unknown } }).Deno?.openKv === "function") {
    return denoKv ??= new DenoKvStore();
  }
  if (secret !== undefined) return new SealedCookieStore({ secret });
  logger.warn(
    "hono-session: there is no Deno KV here (on Deno it needs --unstable-kv), so sessions are sealed into " +
      "their cookies; and there is no secret, so a random one is used and all sessions end with this " +
      "process. Give session() a store or a secret.",
  );
  return new SealedCookieStore({ secret: makeToken() });
}
