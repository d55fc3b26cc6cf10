import {
  type CookieStore,
  type CookieStoreOptions,
  EncryptedCookieStore,
  SealedCookieStore,
  SignedCookieStore,
  UnsignedCookieStore,
} from "@x/hono-session/stores/cookie";

export const SECRET = "a secret of thirty-two characters or more";
export const OLDER_SECRET = "an older secret of thirty-two characters or more";

type Make = (options?: CookieStoreOptions & { secret?: string | string[] }) => CookieStore;

/** The cookie stores whose values nobody can make up. */
export const AUTHENTICATED_STORES: Record<string, Make> = {
  SealedCookieStore: (options) => new SealedCookieStore({ secret: SECRET, ...options }),
  EncryptedCookieStore: (options) => new EncryptedCookieStore({ secret: SECRET, ...options }),
  SignedCookieStore: (options) => new SignedCookieStore({ secret: SECRET, ...options }),
};

/** All cookie stores. */
export const COOKIE_STORES: Record<string, Make> = {
  ...AUTHENTICATED_STORES,
  UnsignedCookieStore: (options) => new UnsignedCookieStore({ parse: JSON.parse, ...options }),
};
