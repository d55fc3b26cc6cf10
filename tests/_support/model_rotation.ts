import { check, type History, type Token } from "./model_history.ts";
import type { Fate, Visit } from "./model_visit.ts";

/**
 * Rules of rotation: the token until now is accepted until somebody has come back with its successor, and for the grace
 * after that.
 */
export class Rotation {
  readonly #history: History;

  constructor(history: History) {
    this.#history = history;
  }

  /**
   * When a token that was rotated is not accepted any more, in epoch milliseconds: at the earliest, and at the latest by
   * what was done before a place in the order.
   */
  graceEnd(token: string, place: number): { earliest: number; latest: number } {
    const { grace = 0 } = this.#history.life.rotate ?? {};
    const successors = this.#rotations(token).filter(({ fate }) => fate === "done");
    const uses = successors.flatMap(({ by }) => this.#uses(by.cookie));
    const done = uses.filter((by) => this.#isDone(by, place));
    return {
      earliest: Math.min(...uses.map(({ begin }) => begin.clock + this.#less(grace))),
      latest: Math.min(...done.map(({ end }) => end!.clock + this.#more(grace))),
    };
  }

  /** Whether what is left of a rotated token may be gone, so that nobody knows it any more. */
  isForgotten(token: string): boolean {
    const { time } = this.#history;
    const { sid } = this.#history.tokens.get(token)!;
    return this.#rotations(token).some(({ by }) =>
      time >= this.#history.earliestDeadline(sid, by.begin.place)
    );
  }

  /** A request was answered. */
  check(visit: Visit): void {
    const { loaded, sid, presented, cookie, end } = visit;
    if (loaded === undefined || sid !== loaded || visit.regenerated.length) return;
    if (visit.isInterrupted(loaded)) return;
    const isMoved = Boolean(cookie) && cookie !== presented;
    const isDue = visit.isSuccess && this.#isDue(visit) && !this.#history.mayHaveFailed(visit);
    check(!isDue || isMoved, "a token that is due is not rotated");
    if (!isMoved) return;
    const before = this.#rotations(presented!).filter(({ by }) => by !== visit);
    for (const { by } of before) {
      if (!by.cookie || by.cookie === cookie) continue;
      const isUsed = [cookie, by.cookie].some((other) => this.#uses(other).length > 0);
      check(isUsed, "a token has two successors");
    }
    if (before.length > 0) return;
    const { every, grace } = this.#history.life.rotate!;
    const token = this.#history.tokenOf(visit)!;
    check(
      end!.clock - this.#birth(token) >= this.#less(every),
      "a token is rotated before its time",
    );
    check(!visit.asked.isConditional, "a token is rotated in an answer that may lose its cookies");
    const [first] = this.#uses(presented);
    check(
      !isSuccessor(token) || end!.clock - first!.begin.clock >= this.#less(grace),
      "a token is rotated while the one before it is accepted",
    );
  }

  /** Whether a request with a token has started the grace of the one before it, before a place in the order. */
  #isDone(by: Visit, place: number): boolean {
    return by.isBefore(place) && by.fate(by.loaded ?? "") === "done" &&
      !this.#history.mayHaveFailed(by);
  }

  /** Whether a request has to give its session another token. */
  #isDue(visit: Visit): boolean {
    const { every, grace } = this.#history.life.rotate!;
    const { presented, begin, asked, end } = visit;
    const token = this.#history.tokenOf(visit)!;
    if (asked.isConditional) return false;
    // It follows the session when the grace is over, but may not tell its client where.
    if (end!.clock >= this.graceEnd(presented!, end!.place).earliest) return false;
    if (begin.clock - (token.by.end?.clock ?? Infinity) < this.#more(every)) return false;
    if (!maySucceed(token)) return true;
    const uses = this.#uses(presented).filter((by) => this.#isDone(by, begin.place));
    return uses.some(({ end }) => begin.clock - end!.clock >= this.#more(grace));
  }

  /** When a token was made at the earliest: another request may have tried to give it away before. */
  #birth({ by }: Token): number {
    const tries = by.presented === undefined ? [] : this.#rotations(by.presented);
    return Math.min(by.begin.clock, ...tries.map(({ by }) => by.begin.clock));
  }

  /** The requests with a token that gave it a successor, or may have. */
  #rotations(token: string): { by: Visit; fate: Fate }[] {
    const { life, tokens, visits } = this.#history;
    if (!life.rotate) return [];
    const creator = tokens.get(token)?.by;
    return visits.filter((by) => by.presented === token && by.loaded !== undefined)
      .filter((by) => !by.regenerated.length && by.sid === by.loaded || !by.end)
      // Who gives it away may give it a successor in the same request, and not be told.
      .concat(creator ? [creator] : [])
      .map((by) => ({ by, fate: fateOfRotation(by, token) }))
      .filter(({ fate }) => fate !== "never");
  }

  /** The requests that came with a token and found its session, or still may, the first ones first. */
  #uses(token: string | null | undefined): Visit[] {
    if (!token) return [];
    return this.#history.visits.filter((by) =>
      by.presented === token && (by.loaded !== undefined || !by.end)
    );
  }

  /** A time in milliseconds, as long as the clocks may make it. */
  #more(seconds: number): number {
    return (seconds + this.#history.life.skew) * 1000;
  }

  /** A time in milliseconds, as short as the clocks may make it. */
  #less(seconds: number): number {
    return (seconds - this.#history.life.skew) * 1000;
  }
}

/** Whether there was a token before it that is accepted for a while. */
function isSuccessor({ sid, by }: Token): boolean {
  return by.loaded === sid && !by.regenerated.includes(sid);
}

/** The same, or there may have been one. */
function maySucceed({ sid, by }: Token): boolean {
  const isReplaced = by.regenerated.includes(sid) && by.fateOfRegeneration(sid) === "done";
  return by.loaded === sid && !isReplaced || by.saved.has(sid);
}

function fateOfRotation({ cookie, end, status, faults }: Visit, token: string): Fate {
  if (cookie && cookie !== token) return "done";
  return !end || status === 503 || status === 409 || faults.length > 0 ? "maybe" : "never";
}
