import { LONGEST_LIFE } from "../../../src/record/expiry.ts";
import { parseObject, type SessionRecord } from "../../../src/record/record.ts";
import type { Clock } from "../../../src/util/clock.ts";
import { LONGEST_COOKIE } from "../../../src/util/cookie_limits.ts";
import type { Call, Server } from "./marks_store.ts";

/**
 * How much longer a mark lives than the cookies that it ends, in milliseconds: for differences of clocks and
 * requests in flight.
 */
const SPARE = 86_400_000;

/** The longest lifetime of a cookie in a browser, in milliseconds. */
const USUAL = LONGEST_COOKIE * 1000;

/** The longest lifetime of a session, in milliseconds. */
const LONGEST = LONGEST_LIFE * 1000;

/** A mark of a session or of a subject: a JSON object. */
export type Mark = Readonly<Record<string, unknown>>;

/** A change of a mark. */
export interface MarkChange {
  /** The record of the mark that was read. */
  readonly stored: SessionRecord | undefined;
  /** The expiry of the last cookie that is known to depend on it, in epoch milliseconds. */
  readonly until?: number;
  /** Returns the new mark; `undefined` when it is too late to change it. */
  change(mark: Mark | undefined): Mark | undefined;
}

/**
 * Marks in a store on the server. Each lives longer than any cookie that depends on it: 401 days, or longer for
 * sessions with a longer lifetime.
 */
export class Marks {
  readonly #server: Server;
  readonly #clock: Clock;

  constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
  }

  /** Reads the record of a mark. */
  async read(key: string, call: Call): Promise<SessionRecord | undefined> {
    return await this.#server.read(key, call);
  }

  /** Changes a mark atomically; `false` when it is too late to change it. */
  async change(
    key: string,
    { stored, until = 0, change }: MarkChange,
    call: Call,
  ): Promise<boolean> {
    const now = this.#clock();
    const end = Math.max(now + USUAL, Math.min(until, now + LONGEST));
    let isInTime = true;
    await this.#server.change(key, {
      stored,
      change(stored) {
        const next = change(markOf(stored));
        isInTime = next !== undefined;
        const data = JSON.stringify(next);
        if (!next || stored?.data === data && stored.expiresAt > end + SPARE / 2) return undefined;
        return {
          format: 1,
          sid: "",
          version: 1,
          data,
          createdAt: stored?.createdAt ?? now,
          lastSeenAt: now,
          renewedAt: now,
          expiresAt: Math.max(end + SPARE, stored?.expiresAt ?? 0),
        };
      },
    }, call);
    return isInTime;
  }

  /**
   * Extends the life of a mark to that of a cookie that is about to be sent, if the cookie lives longer than
   * marks usually do: a later write of the mark does not know the cookie.
   *
   * @param initial The mark to store when there is none.
   */
  async reserve(
    key: () => Promise<string>,
    { until, initial }: { until: number; initial: Mark },
    call: Call,
  ): Promise<void> {
    if (until <= this.#clock() + USUAL) return;
    const hashed = await key();
    const stored = await this.read(hashed, call);
    await this.change(hashed, { stored, until, change: (mark = initial) => mark }, call);
  }
}

/** Returns the mark in a record. */
export function markOf(stored: SessionRecord | undefined): Mark | undefined {
  return stored && parseObject(stored.data);
}
