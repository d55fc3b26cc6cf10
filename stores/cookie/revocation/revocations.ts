import type { SessionStore, StoreCapabilities } from "../../../src/store/contract.ts";
import { CookieRevocations, type CookieRevocationsOptions } from "./cookie_revocations.ts";

/**
 * Records in a store on the server which cookies are invalid, including every copy of them:
 *
 * - cookies of sessions that were ended
 * - cookies that were replaced by a new token or another subject
 * - cookies of subjects whose sessions were all ended
 *
 * A request with a session costs one read, or two concurrent reads if the session has a subject; a write costs
 * the same again.
 *
 * A mark is kept for 401 days, a day longer than browsers keep a cookie. A session with a longer lifetime has
 * its marks from the start, for as long as it could live.
 *
 * A store with an index also lists the sessions of subjects: it holds an entry for each, without data, for as
 * long as any of its cookies lives. A write of such a session costs one more concurrent read, and the write of
 * the entry. Cookies of several names may share the store. Each lists its own sessions, but `deleteAll` ends
 * those of a subject in all cookies.
 *
 * @example Log out everywhere
 * ```ts
 * import { createSessions } from "@x/hono-session";
 * import { EncryptedCookieStore, Revocations } from "@x/hono-session/stores/cookie";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const revocations = new Revocations(new MapStore({ maxEntries: Infinity }));
 * const secret = "at least thirty-two characters, from the environment";
 * const sessions = createSessions({ store: new EncryptedCookieStore({ secret, revocations }) });
 * await sessions.create({}, { subject: "user:42" });
 * assertEquals(await sessions.revokeAll("user:42"), 1);
 * ```
 */
export class Revocations {
  /** The guarantees of the store. */
  readonly capabilities: StoreCapabilities;
  readonly #store: SessionStore;

  /**
   * Checks the guarantees of the store.
   *
   * @param store A store on the server that is atomic, strongly consistent and evicts no records; otherwise
   * marks could be visible late, or get lost. A `MapStore` requires `maxEntries: Infinity`, Redis
   * `maxmemory-policy noeviction`.
   * @throws {TypeError} When the store does not give these guarantees.
   */
  constructor(store: SessionStore) {
    assertReliable(store);
    this.capabilities = store.capabilities;
    this.#store = store;
  }

  /**
   * Returns the revocations of the cookies of one name.
   *
   * @ignore
   */
  forCookieStore(options: Omit<CookieRevocationsOptions, "store">): CookieRevocations {
    return new CookieRevocations({ store: this.#store, ...options });
  }
}

/** @throws {TypeError} When a mark in the store could get lost or be visible late. */
function assertReliable(store: SessionStore | undefined): void {
  const { atomic, consistency, evicts } = store?.capabilities ?? {};
  if (!atomic || consistency !== "strong") {
    throw new TypeError(
      "Cannot create Revocations: a store on the server that is atomic and strongly consistent is required",
    );
  }
  if (evicts) {
    throw new TypeError(
      "Cannot create Revocations: the store drops the oldest records when it is full, and an ended session would be " +
        "valid again; set maxEntries: Infinity of MapStore, or use Deno KV, Redis or DynamoDB",
    );
  }
}
