import { LONGEST_LIFE } from "../../../src/record/expiry.ts";
import { parseObject, type SessionRecord } from "../../../src/record/record.ts";
import type { Clock } from "../../../src/util/clock.ts";
import { LONGEST_COOKIE } from "../../../src/util/cookie_limits.ts";
import type { Call, Server } from "./server.ts";

/** How much longer than what it ends a mark lives, in milliseconds: for clocks that differ, and requests under way. */
const SPARE = 86_400_000;

/** The longest life of a cookie in a browser, in milliseconds. */
const USUAL = LONGEST_COOKIE * 1000;

/** The longest life of a session, in milliseconds. */
const LONGEST = LONGEST_LIFE * 1000;

/** What is remembered of a session, or of a subject: a JSON object. */
export type Mark = Readonly<Record<string, unknown>>;

/** A change of a mark. */
export interface MarkChange {
  /** The mark as it was read. */
  readonly stored: SessionRecord | undefined;
  /** When the last of the cookies ends that are known to depend on it, in epoch milliseconds. */
  readonly until?: number;
  /** The mark that takes the place of another one; nothing when it is too late for that. */
  change(mark: Mark | undefined): Mark | undefined;
}

/**
 * Marks in a store on the server. Each lives for longer than any cookie that depends on it: for 401 days, or as long as
 * the longest of those that live longer.
 */
export class Marks {
  readonly #server: Server;
  readonly #clock: Clock;

  constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
  }

  /** The record of a mark. */
  async read(key: string, call: Call): Promise<SessionRecord | undefined> {
    return await this.#server.read(key, call);
  }

  /** Changes a mark in one step; `false` when it is too late for that. */
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
   * Sees to it that a mark will live as long as a cookie that is about to be given away, should it live longer than
   * marks do by themselves: whoever writes the mark later does not know of the cookie.
   *
   * @param initial The mark where there is none.
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

/** The mark in a record. */
export function markOf(stored: SessionRecord | undefined): Mark | undefined {
  return stored && parseObject(stored.data);
}
