import type { Change, Fate, Visit } from "./model_visit.ts";

/** The name of the change that makes a session a subject's, or nobody's. */
export const SUBJECT = "subject";

/** A time in the order: from one place to another. */
export interface Time {
  readonly begin: number;
  readonly end: number;
}

/** Where sessions are, and so what a token shows of one. */
export interface Memory {
  /** A request has found a session. */
  checkContents(visit: Visit, sid: string): void;

  /**
   * Until when what a token leads to lives at least, in epoch milliseconds, by what was done before a place in the order.
   *
   * @param spare For how much longer it is kept, in seconds.
   */
  earliestDeadline(token: string, place: number, spare?: number): number;

  /** From when on what a token leads to is over for sure. */
  latestDeadline(token: string): number;

  /** Whether what a token leads to is a subject's all the time, or some of it. */
  bond(token: string, subject: string, time: Time): Fate;

  /** Whether a session may be a subject's at some time. */
  mayBeOf(sid: string, subject: string, time: Time): boolean;

  /** Whether what a token leads to may be gone, but for those who end sessions. */
  mayBeGone(token: string, time: Time): boolean;

  /** Whether a change of a request is one still, whatever others have done meanwhile. */
  isNews(visit: Visit, change: Change): boolean;
}
