import { hashToken } from "../../../src/crypto/store_key.ts";
import type { SessionRecord } from "../../../src/record/record.ts";
import type { DeleteAllOptions, ListedSession } from "../../../src/store/contract.ts";
import type { Clock } from "../../../src/util/clock.ts";
import { type Mark, markOf, type Marks } from "./marks.ts";
import type { Call } from "./marks_store.ts";

/** Stores the generations of subjects. */
export class SubjectMarks {
  readonly #marks: Marks;
  readonly #clock: Clock;

  constructor(marks: Marks, clock: Clock) {
    this.#marks = marks;
    this.#clock = clock;
  }

  /**
   * Checks whether all sessions of a session's subject were ended after its login started. One read; none without a
   * subject.
   */
  async isLate(record: SessionRecord, call: Call): Promise<boolean> {
    const { subject } = record;
    return subject !== undefined && isOlder(record, await this.#read(subject, call));
  }

  /** Returns the current generation of a subject's sessions. One read. */
  async generation(subject: string, call: Call): Promise<number> {
    return generationOf(await this.#read(subject, call));
  }

  /** Returns the sessions of a subject that are not of an ended generation. One read. */
  async living(
    subject: string,
    sessions: readonly ListedSession[],
    call: Call,
  ): Promise<ListedSession[]> {
    if (sessions.length === 0) return [];
    const mark = await this.#read(subject, call);
    return sessions.filter(({ record }) => !isOlder(record, mark));
  }

  /** Ensures that a later end of all sessions will be stored for as long as a cookie lives. */
  async reserve({ subject, expiresAt }: SessionRecord, call: Call): Promise<void> {
    if (subject === undefined) return;
    await this.#marks.reserve(() => keyOf(subject), { until: expiresAt, initial: {} }, call);
  }

  /**
   * Ends all sessions of a subject but one, which stays ended if it was ended before. Returns the new
   * generation.
   */
  async endAll(subject: string, { except }: DeleteAllOptions, call: Call): Promise<number> {
    const key = await keyOf(subject);
    const now = Math.floor(this.#clock());
    let generation = 0;
    await this.#marks.change(key, {
      stored: await this.#marks.read(key, call),
      change(mark) {
        generation = Math.max(generationOf(mark) + 1, now);
        return except === undefined
          ? { generation }
          : { generation, except, since: oldest(mark, except) };
      },
    }, call);
    return generation;
  }

  async #read(subject: string, call: Call): Promise<Mark | undefined> {
    return markOf(await this.#marks.read(await keyOf(subject), call));
  }
}

/** Returns the current generation of a subject's sessions. */
function generationOf({ generation }: Mark = {}): number {
  return typeof generation === "number" ? generation : 0;
}

/** Returns the oldest generation that a session with a `sid` may have. */
function oldest(mark: Mark = {}, sid: string): number {
  return sid === mark.except && typeof mark.since === "number" ? mark.since : generationOf(mark);
}

/** Checks whether a session is of an ended generation. */
function isOlder({ sid, generation = 0 }: ListedSession["record"], mark?: Mark): boolean {
  return generation < oldest(mark, sid);
}

async function keyOf(subject: string): Promise<string> {
  return await hashToken(`revoked subject ${subject}`);
}
