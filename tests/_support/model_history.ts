import { type Asked, type Change, type Fate, type Moment, Visit } from "./model_visit.ts";

/** How the sessions of a program live, in seconds. */
export interface Life {
  readonly maxAge: number;
  readonly absoluteMaxAge: number | undefined;
  readonly rolling: boolean;
  readonly rotate: { readonly every: number; readonly grace: number } | undefined;
  /** Whether cookies hold them, and a store on the server knows which are invalid. */
  readonly inCookies: boolean;
  /** How far the clocks of processes and the store are apart. */
  readonly skew: number;
}

/** A token that an answer brought, whether or not anybody got the answer. */
export interface Token {
  readonly sid: string;
  /** The request whose answer brought it first. */
  readonly by: Visit;
  /** Whether a client has it. */
  isKnown: boolean;
}

/** An increment of the count of a session. */
export interface Increment {
  readonly by: Visit;
  sid: string;
  readonly begin: number;
  end: number;
  fate: Fate;
  value: number | undefined;
}

/** What became of a session that somebody has ended, with all sessions of its subject or alone. */
export interface End {
  readonly by: Visit;
  /** Places in the order. */
  readonly begin: number;
  readonly end: number;
  readonly fate: Fate;
  readonly isOfAll: boolean;
}

/** All that happened, and what follows from it for one session. */
export class History {
  readonly life: Life;
  readonly visits: Visit[] = [];
  readonly increments: Increment[] = [];
  readonly tokens = new Map<string, Token>();
  readonly #clock: () => number;
  #places = 0;
  #moreEnds: (token: string) => End[] = () => [];

  constructor(life: Life, clock: () => number) {
    this.life = life;
    this.#clock = clock;
  }

  /** What a true clock shows, in epoch milliseconds. */
  get time(): number {
    return this.#clock();
  }

  now(): Moment {
    return { place: this.#places++, clock: this.#clock() };
  }

  begin(asked: Asked): Visit {
    const visit = new Visit(asked, this.now());
    this.visits.push(visit);
    return visit;
  }

  tokenOf({ presented }: Visit): Token | undefined {
    return presented === undefined ? undefined : this.tokens.get(presented);
  }

  /** The request that created a session. */
  creator(sid: string): Visit {
    return [...this.tokens.values()].find((token) => token.sid === sid)!.by;
  }

  /** What was done to the data of a session, or may have been. */
  changes(sid: string): (Change & { by: Visit; fate: Fate })[] {
    const assigned = this.#done(sid, ({ assigned }) => assigned);
    return [
      ...this.#done(sid, ({ changes }) => changes),
      // It is a change if another request has changed it meanwhile.
      ...assigned.map((change) => ({ ...change, fate: "maybe" as const })),
    ];
  }

  /** What was flashed, or may have been. */
  flashed(sid: string): (Change & { by: Visit; fate: Fate })[] {
    return this.#done(sid, ({ flashed }) => flashed);
  }

  /** Who has ended what a token leads to, or may have. */
  ends(token: string): End[] {
    return [...this.endsAlone(this.tokens.get(token)!.sid), ...this.#moreEnds(token)];
  }

  /** Who has ended a session, and not all of its subject, or may have. */
  endsAlone(sid: string): End[] {
    return this.visits.flatMap((by) =>
      by.ended.filter((end) => end.sid === sid).map((end) => ({
        by,
        begin: by.begin.place,
        end: by.end?.place ?? Infinity,
        fate: this.#isOvertaken(by, sid) ? "maybe" : by.fateOfEnd(end),
        isOfAll: false,
      }))
    );
  }

  /** Says who else has ended what a token leads to, or may have. */
  addEnds(ends: (token: string) => End[]): void {
    this.#moreEnds = ends;
  }

  /** Who has left all tokens of a session behind. */
  regenerations(sid: string, fate: Fate): Visit[] {
    return this.visits.filter((by) =>
      (by.regenerated.includes(sid) || this.life.inCookies && by.leaves(sid)) &&
      by.fateOfRegeneration(sid) === fate
    );
  }

  /**
   * Until when a session lives at least, in epoch milliseconds, by what was renewed before a place in the order.
   *
   * @param spare For how much longer it is kept, in seconds.
   */
  earliestDeadline(sid: string, place: number, spare = 0): number {
    const { maxAge, absoluteMaxAge = Infinity, rolling, skew } = this.life;
    const creator = this.creator(sid);
    let renewed = creator.begin.clock;
    for (const by of this.visits) {
      if (by.loaded !== sid || by.fate(sid) !== "done" || !by.isBefore(place)) continue;
      if (by.renews(sid)) renewed = Math.max(renewed, by.begin.clock);
      // Renewals are a tenth of a life apart, and wait for an answer that arrives.
      else if (rolling && !by.asked.isConditional && !this.mayHaveFailed(by)) {
        renewed = Math.max(renewed, by.begin.clock - (maxAge / 10 + skew) * 1000);
      }
    }
    const deadline = renewed + (maxAge + spare) * 1000;
    return Math.min(deadline, creator.begin.clock + absoluteMaxAge * 1000) - skew * 1000;
  }

  /** Whether what is due by itself may have failed in a request, or in another one of its process that had not ended when it came. */
  mayHaveFailed({ loaded, begin, asked }: Visit): boolean {
    return this.visits.some((by) =>
      [by.loaded, by.sid].includes(loaded) && by.faults.length > 0 &&
      by.asked.process === asked.process &&
      begin.clock <= (by.end?.clock ?? Infinity)
    );
  }

  /** From when on a session is over for sure. */
  latestDeadline(sid: string): number {
    const { maxAge, absoluteMaxAge = Infinity, rolling, skew } = this.life;
    const creator = this.creator(sid);
    const until = ({ end }: Visit) => end?.clock ?? this.time;
    let renewed = until(creator);
    for (const by of this.visits) {
      // A rolling session is renewed before the handler if little time is left, whatever the handler does.
      const renews = rolling && by.loaded === sid || by.mayRenew(sid);
      if (renews) renewed = Math.max(renewed, until(by));
    }
    const absolute = until(creator) + absoluteMaxAge * 1000;
    return Math.min(renewed + maxAge * 1000, absolute) + skew * 1000;
  }

  #done(
    sid: string,
    choose: (visit: Visit) => readonly Change[],
  ): (Change & { by: Visit; fate: Fate })[] {
    return this.visits.flatMap((by) =>
      choose(by).filter((change) => change.sid === sid)
        .map((change) => ({ ...change, by, fate: by.fateOf(change) }))
        .filter(({ fate }) => fate !== "never")
    );
  }

  /** Whether the token of a request may have been regenerated away under it, so that it ended nothing. */
  #isOvertaken(visit: Visit, sid: string): boolean {
    const done = this.regenerations(sid, "done").filter((by) => !by.isBefore(visit.begin.place));
    return [...done, ...this.regenerations(sid, "maybe")].some((by) =>
      by !== visit && !visit.isBefore(by.begin.place)
    );
  }
}

/** A rule that is broken. */
export class BrokenRule extends Error {}

/** Fails when a rule is broken. */
export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BrokenRule(`Broken: ${what}`);
}
