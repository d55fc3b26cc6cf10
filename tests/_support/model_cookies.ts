import { isConfirmation, isNewConfirmation } from "./model_confirmations.ts";
import { check, type History } from "./model_history.ts";
import { type Memory, SUBJECT, type Time } from "./model_memory.ts";
import type { Change, Fate, Visit } from "./model_visit.ts";

/**
 * Sessions that their cookies hold: each shows what the request has left there whose answer brought it, whatever was
 * done with the others.
 */
export class CookieMemory implements Memory {
  readonly #history: History;

  constructor(history: History) {
    this.#history = history;
  }

  checkContents({ presented, seen }: Visit): void {
    const left = this.#left(presented!);
    if (!left) return;
    for (const key of new Set([...Object.keys(left), ...Object.keys(seen)])) {
      check(seen[key] === left[key], `${key} is ${seen[key]}, ${left[key]} was left there`);
    }
  }

  earliestDeadline(token: string, _place: number, spare = 0): number {
    const { maxAge, absoluteMaxAge = Infinity, skew } = this.#history.life;
    const created = this.#creator(token).begin.clock;
    const deadline = this.#renewed(token).earliest + (maxAge + spare) * 1000;
    return Math.min(deadline, created + absoluteMaxAge * 1000) - skew * 1000;
  }

  latestDeadline(token: string): number {
    const { maxAge, absoluteMaxAge = Infinity, skew } = this.#history.life;
    const created = this.#creator(token).end!.clock;
    const deadline = this.#renewed(token).latest + maxAge * 1000;
    return Math.min(deadline, created + absoluteMaxAge * 1000) + skew * 1000;
  }

  bond(token: string, subject: string, { begin, end }: Time): Fate {
    const { by } = this.#history.tokens.get(token)!;
    const left = this.#left(token);
    if (by.begin.place > end || left && left[SUBJECT] !== JSON.stringify(subject)) return "never";
    return left && by.isBefore(begin) ? "done" : "maybe";
  }

  mayBeOf(sid: string, subject: string, time: Time): boolean {
    const tokens = [...this.#history.tokens].filter(([, token]) => token.sid === sid);
    if (tokens.some(([token]) => this.bond(token, subject, time) !== "never")) return true;
    // Nobody has a cookie of one that has ended within its request, by one clock and not yet by the other.
    const hasNone = tokens.length === 0;
    return this.#history.changes(sid).some(({ by, key, value }) =>
      key === SUBJECT && value === JSON.stringify(subject) &&
      (hasNone || by.faults.length > 0 || !by.isOver(time.begin))
    );
  }

  mayBeGone(token: string, { begin }: Time): boolean {
    const { sid, by } = this.#history.tokens.get(token)!;
    const isFaulty = this.#history.visits.some((visit) =>
      visit.faults.length > 0 && (visit.loaded === sid || visit.held.has(sid))
    );
    const replacements = (["done", "maybe"] as const)
      .flatMap((fate) => this.#history.regenerations(sid, fate))
      .filter((other) => other !== by && !other.isBefore(by.begin.place));
    return isFaulty || replacements.length > 0 ||
      this.#history.time >= this.earliestDeadline(token, begin);
  }

  isNews({ seen }: Visit, change: Change): boolean {
    return !isConfirmation(change.key) || isNewConfirmation(change, seen);
  }

  #creator(token: string): Visit {
    return this.#history.creator(this.#history.tokens.get(token)!.sid);
  }

  /** What a cookie holds: a JSON text per key; `undefined` where that can't be told. */
  #left(token: string): Readonly<Record<string, string>> | undefined {
    const { sid, by } = this.#history.tokens.get(token)!;
    if (by.status === 500 && by.loaded === sid && !by.saved.has(sid)) return by.seen;
    if (!by.isSuccess) return undefined;
    if (by.startedOver?.to === sid) return this.#putIn(by, sid);
    const { notice, ...data } = by.left;
    const isFresh = by.flashed.some((flash) => flash.sid === sid);
    const isKept = notice !== undefined && (isFresh || !by.asked.isPage);
    return isKept ? { ...data, notice } : data;
  }

  /** What a request has put into the independent session that has taken the place of another one. */
  #putIn(by: Visit, sid: string): Record<string, string> {
    const data = new Map<string, string>();
    for (const change of [...by.changes, ...by.flashed]) {
      if (change.sid !== sid) continue;
      if (change.value === undefined) data.delete(change.key);
      else data.set(change.key, change.value);
    }
    return Object.fromEntries(data);
  }

  /** When the session in a cookie was renewed last, in epoch milliseconds. */
  #renewed(token: string): { earliest: number; latest: number } {
    const { maxAge, rolling, skew } = this.#history.life;
    const { sid, by } = this.#history.tokens.get(token)!;
    const { begin, presented, asked } = by;
    const end = by.end!.clock;
    if (by.loaded !== sid) return { earliest: begin.clock, latest: end };
    const { earliest, latest } = this.#renewed(presented!);
    const isSure = by.fate(sid) === "done";
    if (by.renews(sid)) return { earliest: isSure ? begin.clock : earliest, latest: end };
    if (!rolling) return { earliest, latest };
    // Renewals are a tenth of a life apart, and wait for an answer that arrives.
    const due = begin.clock - (maxAge / 10 + skew) * 1000;
    const isDue = isSure && !asked.isConditional;
    return { earliest: isDue ? Math.max(earliest, due) : earliest, latest: end };
  }
}
