import type { CookieDelivery } from "../record/renewal.ts";

const CONDITIONS = ["if-none-match", "if-modified-since"];

/** Determines whether the client receives the cookies of the response. */
export function cookieDeliveryOf({ headers }: Request): CookieDelivery {
  try {
    if (headers.has("upgrade")) return "none";
    return CONDITIONS.some((name) => headers.has(name)) ? "doubtful" : "sure";
  } catch {
    // Deno shows nothing of a request any more that it has upgraded.
    return "none";
  }
}
