/**
 * Whether the client gets the cookies of an answer: an upgrade has no headers to change, and what answers a conditional
 * request with 304 may drop them.
 */
export type Reach = "sure" | "doubtful" | "none";

const CONDITIONS = ["if-none-match", "if-modified-since"];

/** Whether the client gets the cookies of the answer to a request. */
export function reachOf({ headers }: Request): Reach {
  try {
    if (headers.has("upgrade")) return "none";
    return CONDITIONS.some((name) => headers.has(name)) ? "doubtful" : "sure";
  } catch {
    // Deno shows nothing of a request any more that it has upgraded.
    return "none";
  }
}
