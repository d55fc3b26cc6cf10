import { hashToken } from "../../../src/crypto/store_key.ts";
import type { SessionRecord } from "../../../src/record/record.ts";
import type { DeleteAllOptions, ListedSession } from "../../../src/store/contract.ts";
import { nextEnd, oldestOf, type SubjectEnd } from "../../../src/store/subject_end.ts";
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
    return (await this.#read(subject, call)).generation;
  }

  /** Returns the sessions of a subject that are not of an ended generation. One read. */
  async living(
    subject: string,
    sessions: readonly ListedSession[],
    call: Call,
  ): Promise<ListedSession[]> {
    if (sessions.length === 0) return [];
    const end = await this.#read(subject, call);
    return sessions.filter(({ record }) => !isOlder(record, end));
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
  async endAll(subject: string, options: DeleteAllOptions, call: Call): Promise<number> {
    const key = await keyOf(subject);
    const now = this.#clock();
    let generation = 0;
    await this.#marks.change(key, {
      stored: await this.#marks.read(key, call),
      change(mark) {
        const end = nextEnd(endOf(mark), { ...options, now });
        ({ generation } = end);
        return { ...end };
      },
    }, call);
    return generation;
  }

  async #read(subject: string, call: Call): Promise<SubjectEnd> {
    return endOf(markOf(await this.#marks.read(await keyOf(subject), call)));
  }
}

/** Returns the end in a mark: a mark is empty until all sessions were ended. */
function endOf(mark: Mark = {}): SubjectEnd {
  const generation = toNumber(mark.generation, 0);
  const { except } = mark as Partial<SubjectEnd>;
  return { generation, except, since: toNumber(mark.since, generation) };
}

function toNumber(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

/** Checks whether a session is of an ended generation. */
function isOlder({ sid, generation = 0 }: ListedSession["record"], end: SubjectEnd): boolean {
  return generation < oldestOf(end, sid);
}

async function keyOf(subject: string): Promise<string> {
  return await hashToken(`revoked subject ${subject}`);
}
