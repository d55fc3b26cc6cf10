import { check, type End, type History } from "./_model_history.ts";
import type { Change, Fate, Visit } from "./_model_visit.ts";

/** The name of the change that makes a session a subject's, or nobody's. */
export const SUBJECT = "subject";

/** The end of all sessions of a subject. */
export interface EndOfAll {
  readonly by: Visit;
  readonly subject: string;
  /** The session that stays. */
  readonly except: string | undefined;
  /** Places in the order. */
  readonly begin: number;
  end: number;
  fate: Fate;
}

/** A time in the order: from one place to another. */
interface Time {
  readonly begin: number;
  readonly end: number;
}

/**
 * Rules of subjects: who was ended stays ended, who logs in after that is logged in, who logged in while it happened is
 * told, and a list shows what somebody can open, and nothing else.
 */
export class Subjects {
  readonly #history: History;
  readonly #ends: EndOfAll[] = [];

  constructor(history: History) {
    this.#history = history;
    history.addEnds((sid) => this.#endsOf(sid));
  }

  /** All sessions of a subject are about to be ended. */
  ending(by: Visit, subject: string, except: string | undefined): EndOfAll {
    const begin = this.#history.now().place;
    const end: EndOfAll = { by, subject, except, begin, end: Infinity, fate: "maybe" };
    this.#ends.push(end);
    return end;
  }

  ended(end: EndOfAll, fate: "done" | "maybe"): void {
    // Who was told that it failed does not know when it is done.
    if (fate === "done") end.end = this.#history.now().place;
    end.fate = fate;
  }

  /** A subject's sessions were listed. */
  listed(subject: string, sids: readonly string[], begin: number): void {
    const time = { begin, end: this.#history.now().place };
    check(new Set(sids).size === sids.length, "a session is listed twice");
    for (const sid of sids) {
      check(this.#mayBeOpened(sid, time), "a session is listed that nobody can open");
      check(this.#bond(sid, subject, time) !== "never", "a session of another subject is listed");
      const isEnded = this.#history.ends(sid).some(({ fate, end }) =>
        fate === "done" && end < begin
      );
      check(!isEnded, "a session is listed that was ended");
    }
    const known = new Set([...this.#history.tokens.values()].map(({ sid }) => sid));
    for (const sid of known) {
      const isOver = this.#history.ends(sid).some(({ fate, begin }) =>
        fate !== "never" && begin < time.end
      );
      // Nobody has the token, so what was given one that its answer did not bring is ended.
      const isLost = this.#history.regenerations(sid, "maybe").length > 0;
      const isExpired = this.#history.time >= this.#history.earliestDeadline(sid, begin);
      if (isOver || isLost || isExpired || this.#bond(sid, subject, time) !== "done") continue;
      check(sids.includes(sid), "a session is not listed");
    }
  }

  /** A request was answered. */
  check(visit: Visit): void {
    const { status, isSuccess, handled, loginBegan } = visit;
    if (status === 409 || !isSuccess) return;
    for (const login of visit.logins) {
      const { sid, saved } = login;
      if (saved || visit.sid !== sid || visit.isInterrupted(sid)) continue;
      if (visit.assigned.includes(login) || !this.isNews(visit, login)) continue;
      const isLate = this.#endsDuring(login, visit).some(({ fate, begin, end }) =>
        fate === "done" && begin > Math.max(login.place, loginBegan) && end < handled
      );
      check(!isLate, "a login under way while all were ended is answered as if it were done");
    }
  }

  /** Whether nobody else has made a session the same subject's meanwhile, so that a login is no change any more. */
  isNews(visit: Visit, { sid, key, value }: Change): boolean {
    return key !== SUBJECT ||
      !this.#history.changes(sid).some((other) =>
        other.by !== visit && other.key === SUBJECT && other.value === value
      );
  }

  /** Whether a login of a request may have been refused as all sessions of its subject were ended meanwhile. */
  mayRefuse(visit: Visit): boolean {
    return visit.logins.some((login) => this.#endsDuring(login, visit).length > 0);
  }

  /** The ends that may have come between a login and the answer to its request. */
  #endsDuring({ sid, value, place }: Change, visit: Visit): EndOfAll[] {
    return this.#ends.filter((end) =>
      JSON.stringify(end.subject) === value && end.except !== sid &&
      end.begin < (visit.end?.place ?? Infinity) && end.end > place
    );
  }

  #endsOf(sid: string): End[] {
    return this.#ends.filter(({ except }) => except !== sid).map(
      ({ by, subject, begin, end, fate }) => {
        const bond = this.#bond(sid, subject, { begin, end });
        return { by, begin, end, fate: bond === "done" ? fate : bond, isOfAll: true };
      },
    );
  }

  /** Whether a session is a subject's all the time, or some of it. */
  #bond(sid: string, subject: string, { begin, end }: Time): Fate {
    const binds = this.#history.changes(sid).filter(({ key }) => key === SUBJECT);
    const own = binds.filter(({ value, by }) =>
      value === JSON.stringify(subject) && by.begin.place < end
    );
    if (own.length === 0) return "never";
    const isSure = own.some(({ by, fate }) =>
      fate === "done" && by.isBefore(begin) &&
      binds.every((other) =>
        own.includes(other as typeof own[number]) || other.by.isBefore(by.begin.place) ||
        other.by.begin.place > end
      )
    );
    return isSure ? "done" : "maybe";
  }

  /** Whether some client has a token of a session, or a request may still give it one. */
  #mayBeOpened(sid: string, { begin }: Time): boolean {
    if ([...this.#history.tokens.values()].some((token) => token.sid === sid)) return true;
    // One that was to be ended, and the store failed.
    if (this.#history.ends(sid).some(({ fate }) => fate === "maybe")) return true;
    const { maxAge, skew } = this.#history.life;
    return this.#history.visits.some((visit) => {
      if (!visit.isOver(begin)) return visit.held.has(sid) || visit.regenerated.length > 0;
      // One that has ended within the request, by one clock and not yet by the other.
      const seconds = (visit.end!.clock - visit.begin.clock) / 1000;
      return skew > 0 && visit.held.has(sid) && seconds >= maxAge - skew;
    });
  }
}
