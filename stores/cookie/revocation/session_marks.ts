import { hashToken } from "../../../src/crypto/store_key.ts";
import type { SessionRecord } from "../../../src/record/record.ts";
import type { ListedSession } from "../../../src/store/contract.ts";
import { inBatches } from "./batches.ts";
import { epochOf } from "./epoch.ts";
import { type Mark, markOf, type Marks } from "./marks.ts";
import type { Call } from "./marks_store.ts";

/** The state of a cookie: valid, replaced by a cookie of a later epoch, or ended with its session. */
export type Fate = "live" | "replaced" | "ended";

type Handle = Pick<SessionRecord, "sid">;

/** The mark of the session of a cookie. */
export interface Remembered {
  readonly fate: Fate;
  readonly stored: SessionRecord | undefined;
}

/**
 * Stores which epoch of a session's cookies is valid, or that the session has ended. A write keeps the epoch of
 * the cookie that it was made with, so that a write with a copy never makes a replaced cookie valid.
 */
export class SessionMarks {
  readonly #marks: Marks;
  readonly #cookieName: string;

  constructor(marks: Marks, cookieName: string) {
    this.#marks = marks;
    this.#cookieName = cookieName;
  }

  /** Reads the mark of the session of a cookie. One read. */
  async recall(record: ListedSession["record"], call: Call): Promise<Remembered> {
    const stored = await this.#marks.read(await this.#key(record), call);
    return { fate: fateOf(markOf(stored), record), stored };
  }

  /** Returns the listed sessions whose newest cookies are valid. One read per session. */
  async living(sessions: readonly ListedSession[], call: Call): Promise<ListedSession[]> {
    const recalled = await inBatches(sessions, ({ record }) => this.recall(record, call));
    return sessions.filter((_, index) => recalled[index]!.fate === "live");
  }

  /**
   * Starts the epoch of a cookie, and makes all cookies of the previous epoch invalid; `false` when another
   * request was first.
   */
  async advance(
    record: SessionRecord,
    { stored }: Remembered,
    call: Call,
  ): Promise<boolean> {
    const epoch = epochOf(record);
    const { expiresAt } = record;
    return await this.#marks.change(await this.#key(record), {
      stored,
      until: expiresAt,
      change(mark) {
        const isValid = fateOf(mark, { epoch: epoch - 1 }) === "live";
        return isValid ? { epoch } : undefined;
      },
    }, call);
  }

  /** Ensures that a later end of the session will be stored for as long as a cookie lives. */
  async reserve(record: SessionRecord, call: Call): Promise<void> {
    const options = { until: record.expiresAt, initial: { epoch: epochOf(record) } };
    await this.#marks.reserve(() => this.#key(record), options, call);
  }

  /** Ends a session and makes all of its cookies invalid. */
  async end(record: SessionRecord, call: Call): Promise<void> {
    const key = await this.#key(record);
    const { expiresAt } = record;
    const stored = await this.#marks.read(key, call);
    await this.#marks.change(key, { stored, until: expiresAt, change: () => ({}) }, call);
  }

  /** Sessions in cookies of other names have other keys, even with the same `sid`. */
  async #key({ sid }: Handle): Promise<string> {
    return await hashToken(`revoked session ${JSON.stringify([this.#cookieName, sid])}`);
  }
}

function fateOf(mark: Mark | undefined, record: Pick<SessionRecord, "epoch">): Fate {
  if (!mark) return "live";
  if (typeof mark.epoch !== "number") return "ended";
  return epochOf(record) < mark.epoch ? "replaced" : "live";
}
