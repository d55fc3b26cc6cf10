import type { SessionStore, StoreCapabilities } from "../../../src/store/contract.ts";
import { CookieRevocations, type CookieRevocationsOptions } from "./cookie_revocations.ts";

/**
 * Remembers, in a store on the server, which cookies are invalid: those of sessions that were ended, those that were
 * left behind by a new token or another subject, and those of subjects all of whose sessions were ended. It makes
 * every copy of them invalid, whatever was written with the copy. It costs one read with every request that has a
 * session, two at the same time when the session has a subject, and as much again with every write.
 *
 * A mark stays for 401 days, a day longer than a browser keeps a cookie. A session with a longer life has its marks from
 * the beginning, for as long as it could live.
 *
 * A store with an index also lists the sessions of subjects: it holds an entry for each, without its data, for as
 * long as any of its cookies lives. A write of such a session costs one more read at the same time, and the write
 * of the entry. Cookies of several names may share the store. Each lists its own sessions, but `deleteAll` ends
 * those of a subject in all of them.
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
  /** What the store promises. */
  readonly capabilities: StoreCapabilities;
  readonly #store: SessionStore;

  /**
   * Checks what the store promises.
   *
   * @param store A store on the server that is atomic, strongly consistent and evicts no records: elsewhere a mark may be seen
   * late, or get lost. A `MapStore` requires `maxEntries: Infinity`, Redis `maxmemory-policy noeviction`.
   * @throws {TypeError} When the store doesn't promise that.
   */
  constructor(store: SessionStore) {
    assertReliable(store);
    this.capabilities = store.capabilities;
    this.#store = store;
  }

  /**
   * The revocations of the cookies of one name.
   *
   * @ignore
   */
  forCookieStore(options: Omit<CookieRevocationsOptions, "store">): CookieRevocations {
    return new CookieRevocations({ store: this.#store, ...options });
  }
}

/** @throws {TypeError} When a mark in such a store may get lost or be seen late. */
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
        "valid again; give MapStore maxEntries: Infinity, or take Deno KV, Redis or DynamoDB",
    );
  }
}
