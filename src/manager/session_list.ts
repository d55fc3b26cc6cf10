import { parseConfirmations, toDates } from "../record/confirmations.ts";
import { deviceOf, type SessionDevice } from "../record/device.ts";
import { parseProvider, type SessionProvider } from "../record/provider.ts";
import { parseObjectIfAny } from "../record/record.ts";
import type { ListedSession, ListPage, ListPlace } from "../store/contract.ts";
import { since } from "../store/list_order.ts";
import { COUNT } from "../util/shapes.ts";

/**
 * The description of a session in a list. It contains nothing that could be used to log in.
 *
 * @example Usage
 * ```ts
 * import { createSessions, type SessionSummary } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const sessions = createSessions({ store: new MapStore() });
 * await sessions.create({}, { subject: "user:42", meta: { device: "phone" } });
 * const toText = ({ meta, lastSeenAt }: SessionSummary) =>
 *   `${meta?.["device"]}, last seen ${lastSeenAt.getFullYear() > 2000 ? "lately" : "long ago"}`;
 * const texts = await Array.fromAsync(sessions.list("user:42"), toText);
 * assertEquals(texts, ["phone, last seen lately"]);
 * ```
 */
export interface SessionSummary {
  /** The public identifier of the session, for `revoke`. */
  readonly sid: string;
  /** The time of its creation. */
  readonly createdAt: Date;
  /** The time of the last write or renewal. Reads don't count unless the sessions are `rolling`. */
  readonly lastSeenAt: Date;
  /** The time at which it expires unless it is renewed. */
  readonly expiresAt: Date;
  /** `true` for the session of the request whose context was passed. */
  readonly current: boolean;
  /** The value of `session.confirmations`. */
  readonly confirmations: Readonly<Record<string, Date | undefined>>;
  /** The value of `session.meta`. */
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  /** The value of `session.provider`. */
  readonly provider: SessionProvider | undefined;
  /**
   * The value of `session.device`.
   *
   * @experimental
   */
  readonly device: SessionDevice | undefined;
}

/**
 * Options of `list`.
 *
 * @example The second page
 * ```ts
 * import { createSessions, type ListOptions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const sessions = createSessions({ store: new MapStore() });
 * for (let login = 0; login < 3; login++) await sessions.create({}, { subject: "user:42" });
 * const first = sessions.list("user:42", { limit: 2 });
 * assertEquals((await Array.fromAsync(first)).length, 2);
 * const options: ListOptions = { limit: 2, cursor: first.cursor };
 * assertEquals((await Array.fromAsync(sessions.list("user:42", options))).length, 1);
 * ```
 */
export interface ListOptions {
  /**
   * The largest number of sessions.
   *
   * @default {Infinity}
   */
  limit?: number;
  /** The `cursor` of the previous page. An invalid cursor starts at the first page. */
  cursor?: string | undefined;
  /** The Hono context, for stores that need it, and to mark the session of this request. */
  c?: unknown;
}

/** Options of a {@linkcode SessionList}. */
export interface SessionListOptions extends ListOptions {
  /** Returns the public identifier of the session of this request. */
  readonly current: () => Promise<string | undefined>;
}

/**
 * A page of a subject's sessions, as returned by `list`.
 *
 * @example Usage
 * ```ts
 * import { createSessions, type SessionList } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const sessions = createSessions({ store: new MapStore() });
 * const list: SessionList = sessions.list("user:42");
 * for await (const { sid } of list) console.log(sid);
 * assertEquals(list.cursor, undefined);
 * ```
 */
export class SessionList implements AsyncIterable<SessionSummary> {
  readonly #read: Read;
  readonly #options: SessionListOptions;
  readonly #limit: number;
  #cursor: string | undefined;

  /**
   * Called by `list`.
   *
   * @param read Reads the sessions of a page in order.
   * @param options The page.
   * @throws {RangeError} When `limit` is not a positive integer.
   * @ignore
   */
  constructor(read: Read, options: SessionListOptions) {
    const { limit = Infinity } = options;
    if (limit !== Infinity) COUNT.read(limit, { name: "limit", action: "list sessions" });
    this.#read = read;
    this.#options = options;
    this.#limit = limit;
  }

  /** The cursor of the next page, once this page was read; `undefined` when there is none. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  /**
   * Reads the page.
   *
   * @returns The sessions of the page.
   */
  async *[Symbol.asyncIterator](): AsyncIterator<SessionSummary> {
    const after = fromCursor(this.#options.cursor);
    // One more record shows whether there is another page.
    const sessions = await this.#read({ ...(after && { after }), limit: this.#limit + 1 });
    const page = sessions.slice(0, this.#limit);
    const last = page.at(-1);
    this.#cursor = last && page.length < sessions.length ? toCursor(last) : undefined;
    const current = await this.#options.current();
    for (const record of page) yield toSummary(record, current);
  }
}

/** Reads the sessions of a page in order. */
type Read = (page: ListPage) => Promise<ListedSession["record"][]>;

function toCursor(last: ListedSession["record"]): string {
  return `${since(last)}~${last.sid}`;
}

function fromCursor(cursor: string | undefined): ListPlace | undefined {
  const [, time, sid] = /^(\d+(?:\.\d+)?)~(.+)$/.exec(cursor ?? "") ?? [];
  return sid === undefined ? undefined : { subjectAt: Number(time), sid };
}

function toSummary(
  { sid, createdAt, lastSeenAt, expiresAt, meta, confirmed, provider, device }:
    ListedSession["record"],
  current: string | undefined,
): SessionSummary {
  return {
    sid,
    createdAt: new Date(createdAt),
    lastSeenAt: new Date(lastSeenAt),
    expiresAt: new Date(expiresAt),
    current: sid === current,
    confirmations: toDates(parseConfirmations(confirmed)),
    meta: parseObjectIfAny(meta),
    provider: parseProvider(provider),
    device: deviceOf(device),
  };
}
