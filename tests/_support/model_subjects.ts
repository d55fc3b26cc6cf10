import { check, type End, type History } from "./model_history.ts";
import type { Memory, Time } from "./model_memory.ts";
import type { Change, Fate, Visit } from "./model_visit.ts";

/** The end of all sessions, of a subject or of everybody. */
export interface EndOfAll {
  readonly by: Visit;
  readonly subject: string | undefined;
  /** The session that stays. */
  readonly except: string | undefined;
  /** Places in the order. */
  readonly begin: number;
  end: number;
  fate: Fate;
}

/**
 * Rules of subjects: who was ended stays ended, who logs in after that is logged in, who logged in while it happened is
 * told, and a list shows what somebody can open, and nothing else.
 */
export class Subjects {
  readonly #history: History;
  readonly #memory: Memory;
  readonly #ends: EndOfAll[] = [];

  constructor(history: History, memory: Memory) {
    this.#history = history;
    this.#memory = memory;
    history.addEnds((token) => this.#endsOf(token));
  }

  /** All sessions of a subject are about to be ended; without one, those of everybody. */
  ending(
    by: Visit,
    { subject, except }: { subject?: string; except?: string | undefined } = {},
  ): EndOfAll {
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
      const isOf = this.#memory.mayBeOf(sid, subject, time);
      check(isOf, "a session of another subject is listed");
      check(!this.#isEnded(sid, subject, time), "a session is listed that was ended");
    }
    for (const [token, { sid }] of this.#history.tokens) {
      if (this.#memory.bond(token, subject, time) !== "done") continue;
      const isOver = this.#history.ends(token).some(({ fate, begin }) =>
        fate !== "never" && begin < time.end
      );
      if (isOver || this.#memory.mayBeGone(token, time)) continue;
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
      if (visit.assigned.includes(login) || !this.#memory.isNews(visit, login)) continue;
      const isLate = this.#endsDuring(login, visit).some(({ except, fate, begin, end }) =>
        except !== sid && fate === "done" && begin > Math.max(login.place, loginBegan) &&
        end < handled
      );
      check(!isLate, "a login under way while all were ended is answered as if it were done");
    }
  }

  /**
   * Whether a login of a request may have been refused as all sessions of its subject were ended meanwhile. Where another
   * session takes the place of the one that was excepted, that is none.
   */
  mayRefuse(visit: Visit): boolean {
    return visit.logins.some((login) => this.#endsDuring(login, visit).length > 0);
  }

  /** The ends that may have come between a login and the answer to its request. */
  #endsDuring({ value, place }: Change, visit: Visit): EndOfAll[] {
    return this.#ends.filter((end) =>
      JSON.stringify(end.subject) === value &&
      end.begin < (visit.end?.place ?? Infinity) && end.end > place
    );
  }

  #endsOf(token: string): End[] {
    const { sid } = this.#history.tokens.get(token)!;
    return this.#ends.filter(({ except }) => except !== sid).map(
      ({ by, subject, begin, end, fate }) => {
        const time = { begin, end };
        const bond = subject === undefined
          ? this.#wasThere(sid, time)
          : this.#memory.bond(token, subject, time);
        return { by, begin, end, fate: bond === "done" ? fate : bond, isOfAll: true };
      },
    );
  }

  /** Whether a session began before some time; it keeps its place when it gets another token. */
  #wasThere(sid: string, { begin, end }: Time): Fate {
    const creator = this.#history.creator(sid);
    if (creator.isBefore(begin)) return "done";
    return creator.begin.place > end ? "never" : "maybe";
  }

  /** Whether every token of a session that may be a subject's has been ended before some time. */
  #isEnded(sid: string, subject: string, time: Time): boolean {
    const tokens = [...this.#history.tokens].filter(([token, { sid: other }]) =>
      other === sid && this.#memory.bond(token, subject, time) !== "never"
    );
    const isUnderWay = this.#history.visits.some((by) =>
      !by.isOver(time.begin) && (by.loaded === sid || by.held.has(sid))
    );
    return tokens.length > 0 && !isUnderWay &&
      tokens.every(([token]) =>
        this.#history.ends(token).some(({ fate, end }) => fate === "done" && end < time.begin)
      );
  }

  /** Whether some client has a token of a session, or a request may still give it one. */
  #mayBeOpened(sid: string, { begin }: Time): boolean {
    if ([...this.#history.tokens.values()].some((token) => token.sid === sid)) return true;
    // One that was to be ended, and the store failed.
    if (this.#history.endsAlone(sid).some(({ fate }) => fate === "maybe")) return true;
    const { maxAge, skew } = this.#history.life;
    return this.#history.visits.some((visit) => {
      if (!visit.isOver(begin)) return visit.held.has(sid) || visit.regenerated.length > 0;
      // One that has ended within the request, by one clock and not yet by the other.
      const seconds = (visit.end!.clock - visit.begin.clock) / 1000;
      return skew > 0 && visit.held.has(sid) && seconds >= maxAge - skew;
    });
  }
}
