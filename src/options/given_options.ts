import type { SessionOptions } from "./options.ts";

/** The options that a middleware was made of. */
export type GivenOptions = Readonly<Partial<Record<keyof SessionOptions, unknown>>>;

/** Options as they are now, whatever the application makes of its objects later. */
export function snapshotOf({ secret, encoder, token, ...options }: GivenOptions): GivenOptions {
  return Object.freeze({
    ...options,
    secret: Array.isArray(secret) ? [...secret] : secret,
    encoder: encoder && { ...encoder },
    token: token && { ...token },
  });
}
