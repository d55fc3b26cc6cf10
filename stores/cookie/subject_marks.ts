import type { SessionRecord } from "../../src/record.ts";
import type { DeleteAllOptions, ListedSession } from "../../src/store.ts";
import { hashToken } from "../../src/token.ts";
import { type Mark, markOf, type Marks } from "./marks.ts";

/** Remembers of a subject when all of its sessions were ended. */
export class SubjectMarks {
  readonly #marks: Marks;

  constructor(marks: Marks) {
    this.#marks = marks;
  }

  /** Whether all sessions of its subject were ended since one became its own. One read, none without a subject. */
  async isLate(record: SessionRecord, c: unknown): Promise<boolean> {
    const { subject } = record;
    if (subject === undefined) return false;
    return isBefore(record, markOf(await this.#marks.read(await keyOf(subject), c)));
  }

  /** Those of a subject's sessions that did not end when all did. One read. */
  async living(
    subject: string,
    sessions: readonly ListedSession[],
    c: unknown,
  ): Promise<ListedSession[]> {
    if (sessions.length === 0) return [];
    const mark = markOf(await this.#marks.read(await keyOf(subject), c));
    return sessions.filter(({ record }) => !isBefore(record, mark));
  }

  /** Sees to it that the end of all sessions will be remembered for as long as a cookie lives. */
  async reserve({ subject, expiresAt }: SessionRecord, c: unknown): Promise<void> {
    if (subject === undefined) return;
    await this.#marks.reserve(() => keyOf(subject), { until: expiresAt, initial: {} }, c);
  }

  /** Ends all sessions of a subject but one. That one is not brought back should it have been ended before. */
  async endAll(subject: string, { at, except }: DeleteAllOptions, c: unknown): Promise<void> {
    const key = await keyOf(subject);
    await this.#marks.change(key, {
      stored: await this.#marks.read(key, c),
      change(mark = {}) {
        const moved = { at: Math.max(at, toTime(mark.at)) };
        if (except === undefined) return moved;
        const since = notBefore(mark, except);
        return { ...moved, except, ...(since === -Infinity ? {} : { since }) };
      },
    }, c);
  }
}

/** Until when a session may have become its subject's to be ended. */
function notBefore({ at, except, since }: Mark, sid: string): number {
  return toTime(sid === except ? since : at);
}

/** Whether a session became its subject's before all of the subject's were ended. */
function isBefore(record: ListedSession["record"], mark: Mark | undefined): boolean {
  const { sid, subjectAt = record.createdAt } = record;
  return mark !== undefined && subjectAt <= notBefore(mark, sid);
}

function toTime(value: unknown): number {
  return typeof value === "number" ? value : -Infinity;
}

async function keyOf(subject: string): Promise<string> {
  return await hashToken(`revoked subject ${subject}`);
}
