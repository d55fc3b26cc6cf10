import type { GivenOptions } from "../http/config.ts";
import type { SessionOptions } from "./options.ts";

type Options = Readonly<Partial<Record<keyof SessionOptions, unknown>>>;

/** Options as they are now, whatever the application makes of its objects later. */
export function snapshotOf({ secret, encoder, token, ...options }: Options): GivenOptions {
  return Object.freeze({
    ...options,
    secret: Array.isArray(secret) ? [...secret] : secret,
    encoder: encoder && { ...encoder },
    token: token && { ...token },
  });
}
