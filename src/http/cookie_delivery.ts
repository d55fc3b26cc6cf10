import type { CookieDelivery } from "../record/renewal.ts";

const CONDITIONS = ["if-none-match", "if-modified-since"];

/** Determines whether the client receives the cookies of the response. */
export function cookieDeliveryOf({ headers }: Request): CookieDelivery {
  try {
    if (headers.has("upgrade")) return "none";
    return CONDITIONS.some((name) => headers.has(name)) ? "doubtful" : "sure";
  } catch {
    // Deno throws when the properties of an upgraded request are read.
    return "none";
  }
}
