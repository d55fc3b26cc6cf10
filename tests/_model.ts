import { MOST_TRIES } from "../src/retry.ts";

/** What a handler does. */
export type Op =
  | { readonly do: "set" | "delete" | "nest"; readonly key: string }
  | {
    readonly do: "increment" | "flash" | "renew" | "regenerate" | "discard" | "destroy" | "start";
  };

/** How the sessions of a program live, in seconds. */
export interface Life {
  readonly maxAge: number;
  readonly absoluteMaxAge: number | undefined;
  readonly rolling: boolean;
  readonly rotate: { readonly every: number; readonly grace: number } | undefined;
}

/** Whether something took effect: `maybe` while its request runs, and when the store failed under it. */
type Fate = "done" | "maybe" | "never";

/** A moment: the place in the order of all that happened, and what the clock showed. */
interface Moment {
  readonly place: number;
  readonly clock: number;
}

interface Change {
  readonly sid: string;
  readonly key: string;
  /** The JSON text; `undefined` when it was deleted. */
  readonly value: string | undefined;
  /** Whether it was committed before the request ended. */
  saved?: "done" | "maybe";
  /** What became of it, where that is not what became of all changes of the request. */
  fate?: Fate;
}

/** The answers that say that the request did what it did. */
const SUCCESSES: readonly number[] = [200, 303, 403];

interface Increment {
  readonly by: Visit;
  readonly sid: string;
  readonly begin: number;
  end: number;
  fate: Fate;
  value: number | undefined;
}

/** What is known of a request beforehand. */
export interface VisitOptions {
  /** Whether its handler does nothing but look, or forgets all that it has changed. */
  readonly isLook: boolean;
  /** Whether its answer can show what was flashed before. */
  readonly isPage: boolean;
}

/** One request, as its client and its handler see it. */
export class Visit {
  readonly presented: string | undefined;
  readonly isLook: boolean;
  readonly isPage: boolean;
  readonly begin: Moment;
  end: Moment | undefined;
  /** When the handler was through. */
  handled = Infinity;
  /** The session that was found for the client. */
  loaded: string | undefined;
  /** What its handler found there: a JSON text per key. */
  seen: Readonly<Record<string, string>> = {};
  /** The session at the end of the handler. */
  sid: string | undefined;
  status = 0;
  /** The token that the response gives the client; `null` to forget it. */
  cookie: string | null | undefined;
  /** Whether nobody was given this token before. */
  isFresh = false;
  /** Calls of the store, and how often it refused. */
  calls: string[] = [];
  refusals = 0;
  /** When the store failed under it. */
  faults: ("before the commit" | "in the commit")[] = [];
  /** The sessions that it was told have ended elsewhere. */
  readonly interruptions: string[] = [];
  rejections: string[] = [];
  readonly changes: Change[] = [];
  readonly flashed: Change[] = [];
  /** Whether its handler has ended the session, and begun no other. */
  hasEnded = false;
  /** The sessions that it ended. */
  readonly ended: { sid: string; by: "destroy" | "start" }[] = [];
  readonly renewed: string[] = [];
  readonly regenerated: string[] = [];

  constructor(presented: string | undefined, { isLook, isPage }: VisitOptions, begin: Moment) {
    this.presented = presented;
    this.isLook = isLook;
    this.isPage = isPage;
    this.begin = begin;
  }

  /** Whether the answer is one that commits. */
  get isSuccess(): boolean {
    return SUCCESSES.includes(this.status);
  }

  /** Something of the session may have been committed, with all that was changed before. */
  saves(sid: string, fate: "done" | "maybe"): void {
    for (const change of [...this.changes, ...this.flashed]) {
      if (change.sid === sid && change.saved !== "done") change.saved = fate;
    }
  }

  /** What was changed of the session and not saved is forgotten. */
  discards(sid: string): void {
    for (const list of [this.changes, this.flashed]) {
      const kept = list.filter((change) => change.sid !== sid || change.saved !== undefined);
      for (const change of kept) if (change.saved === "maybe") change.fate = "maybe";
      list.splice(0, Infinity, ...kept);
    }
    this.renewed.splice(0, Infinity, ...this.renewed.filter((renewed) => renewed !== sid));
  }

  isInterrupted(sid: string | undefined): boolean {
    return sid !== undefined && this.interruptions.includes(sid);
  }

  /** What became of changes of data. */
  fate(sid: string): Fate {
    if (!this.end) return "maybe";
    // A session that was stored meanwhile, by an update, has them even when the handler failed then.
    if (this.status === 500) return this.loaded === sid ? "never" : "maybe";
    return this.isSuccess && this.sid === sid && !this.isInterrupted(sid) ? "done" : "maybe";
  }

  fateOfEnd({ by }: { by: "destroy" | "start" }): Fate {
    if (!this.end) return "maybe";
    return this.isSuccess || by === "destroy" && this.cookie === null ? "done" : "maybe";
  }

  fateOfRegeneration(sid: string): Fate {
    if (!this.end) return "maybe";
    if (this.isInterrupted(sid)) return "never";
    // When the store failed, a token may be that of a creation or a rotation before.
    const isTold = this.isSuccess ||
      this.status === 500 && this.loaded === sid && !this.faults.length;
    return isTold && this.sid === sid && this.isFresh ? "done" : "maybe";
  }

  /** Whether all of it was before a place in the order. */
  isBefore(place: number): boolean {
    return this.end !== undefined && this.end.place < place;
  }
}

interface Token {
  readonly sid: string;
  /** The request whose answer brought it first. */
  readonly by: Visit;
}

/**
 * What sessions are, said as plainly as it can be: a history of what requests did and were told, and rules that
 * no answer may break. It has no store, no versions, no merging.
 *
 * What requests do at the same time may happen in any order. So it never says what is, but what can be: a value
 * can be read when its writer had begun, and when no other writer came and went between the two.
 */
export class Model {
  readonly #life: Life;
  readonly #clock: () => number;
  readonly #visits: Visit[] = [];
  readonly #increments: Increment[] = [];
  readonly tokens = new Map<string, Token>();
  #places = 0;

  constructor(life: Life, clock: () => number) {
    this.#life = life;
    this.#clock = clock;
  }

  #now(): Moment {
    return { place: this.#places++, clock: this.#clock() };
  }

  begin(presented: string | undefined, options: VisitOptions): Visit {
    const visit = new Visit(presented, options, this.#now());
    this.#visits.push(visit);
    return visit;
  }

  /** A request has loaded its session. */
  load(visit: Visit, sid: string | undefined, seen: Record<string, string>): void {
    visit.loaded = sid;
    visit.seen = seen;
    if (sid !== undefined) this.#checkOpen(visit, sid);
    else this.#checkClosed(visit);
    if (sid === undefined) return check(Object.keys(seen).length === 0, "a new session is empty");
    const { count = "0", notice, ...data } = seen;
    const keys = new Set([...Object.keys(data), ...this.#changes(sid).map(({ key }) => key)]);
    for (const key of keys) this.#checkValue(visit, { sid, key, value: data[key] });
    this.#checkCount(visit, sid, Number(count));
    this.#checkFlash(visit, { sid, key: "notice", value: notice });
  }

  increment(by: Visit, sid: string): Increment {
    const increment: Increment = {
      by,
      sid,
      begin: this.#now().place,
      end: Infinity,
      fate: "maybe",
      value: undefined,
    };
    this.#increments.push(increment);
    return increment;
  }

  /** An increment was answered. */
  incremented(increment: Increment, fate: Fate, value?: number): void {
    increment.fate = fate;
    increment.end = this.#now().place;
    increment.value = value;
    if (fate !== "done") return;
    const others = this.#increments.filter((other) =>
      other !== increment && other.sid === increment.sid && other.fate === "done"
    );
    check(others.every((other) => other.value !== value), `two increments gave ${value}`);
    this.#checkCount({ begin: { place: increment.begin } }, increment.sid, value!);
  }

  handled(visit: Visit, sid: string | undefined): void {
    visit.handled = this.#now().place;
    visit.sid = sid;
  }

  /** A request was answered. */
  end(visit: Visit, expected: number): void {
    visit.end = this.#now();
    this.#checkStatus(visit, expected);
    this.#checkInterruption(visit);
    this.#checkCookie(visit);
    this.#checkIdle(visit);
    if (this.#life.rotate) this.#checkRotation(visit);
  }

  /** A token opened a session. */
  #checkOpen(visit: Visit, sid: string): void {
    const token = this.tokens.get(visit.presented ?? "");
    check(token?.sid === sid, "a token opens no session but its own");
    for (const { by, fate } of this.#ends(sid)) {
      check(fate !== "done" || !by.isBefore(visit.begin.place), "an ended session opens");
    }
    for (const by of this.#regenerations(sid, "done")) {
      check(
        !by.isBefore(visit.begin.place) || !token!.by.isBefore(by.begin.place),
        "a token opens that was regenerated away",
      );
    }
    check(visit.begin.clock < this.#latestDeadline(sid), "an expired session opens");
    check(
      visit.begin.clock < this.#graceEnd(visit.presented!).latest,
      "a token opens after its grace",
    );
  }

  /** A token opened nothing. */
  #checkClosed(visit: Visit): void {
    const token = this.tokens.get(visit.presented ?? "");
    if (!token) return;
    const cause = this.#cause(visit, token);
    check(cause !== undefined, "a live session does not open");
    const reused = cause === "grace" &&
      visit.begin.clock >= this.#graceEnd(visit.presented!).latest;
    check(!reused || visit.rejections.includes("reuse"), "the reuse of a token goes unnoticed");
  }

  /** Why a session may be gone for a request that has begun, if it may. */
  #cause({ begin, presented }: Visit, token: Token, self?: Visit): string | undefined {
    const { sid } = token;
    const ends = this.#ends(sid).filter(({ by, fate }) => by !== self && fate !== "never");
    if (ends.length) return "ended";
    const moved = [
      ...this.#regenerations(sid, "done").filter((by) => by !== token.by),
      ...this.#regenerations(sid, "maybe"),
    ].filter((by) => by !== self && !by.isBefore(token.by.begin.place));
    if (moved.length) return "regenerated";
    const place = self ? self.handled : begin.place;
    if (this.#clock() >= this.#earliestDeadline(sid, place)) return "expired";
    return this.#clock() >= this.#graceEnd(presented!).earliest ? "grace" : undefined;
  }

  #checkValue(visit: { begin: { place: number } }, { sid, key, value }: Change): void {
    const changes = this.#changes(sid).filter((change) => change.key === key);
    const overwritten = (end: number) =>
      changes.some(({ by, fate }) =>
        fate === "done" && by.begin.place > end && by.isBefore(visit.begin.place)
      );
    const possible = changes.filter(({ by }) => !overwritten(by.end?.place ?? Infinity));
    const values = possible.map((change) => change.value);
    if (!overwritten(-1)) values.push(undefined);
    check(
      values.includes(value),
      `${key} is ${value}, it can be ${values.map(String).join(" or ")}`,
    );
  }

  #checkCount(visit: { begin: { place: number } }, sid: string, value: number): void {
    const all = this.#increments.filter((one) => one.sid === sid && one.fate !== "never");
    const least = all.filter(({ fate, end }) => fate === "done" && end < visit.begin.place).length;
    check(
      least <= value && value <= all.length,
      `count is ${value}, it can be ${least} to ${all.length}`,
    );
  }

  /** A flashed value shows in the next request, and in those at the same time as that. */
  #checkFlash(visit: Visit, { sid, value }: Change): void {
    const others = this.#visits.filter((other) =>
      other !== visit && other.loaded === sid && other.isPage
    );
    const flashes = this.#visits.flatMap((by) =>
      by.flashed.filter((flash) => flash.sid === sid)
        .map((flash) => ({ ...flash, by, fate: flash.fate ?? by.fate(sid) }))
        .filter(({ fate }) => fate !== "never")
    );
    if (value !== undefined) {
      check(flashes.some((flash) => flash.value === value), `flash is ${value}, nobody flashed it`);
      const consumed = others.some((other) =>
        other.seen.notice === value && other.fate(sid) === "done" &&
        other.isBefore(visit.begin.place)
      );
      check(!consumed, "a flashed value shows twice");
      return;
    }
    for (const { by, fate } of flashes) {
      if (fate !== "done" || !by.isBefore(visit.begin.place)) continue;
      const consumer = others.some((other) =>
        other !== by && other.fate(sid) !== "never" && !other.isBefore(by.begin.place)
      );
      check(consumer, "a flashed value does not show");
    }
  }

  #checkStatus(visit: Visit, expected: number): void {
    const { status, faults, refusals } = visit;
    if (status === 503) return check(faults.length > 0, "503, and the store did not fail");
    if (status === 409) {
      return check(
        refusals >= MOST_TRIES,
        "409, and the store did not refuse as often as there is time",
      );
    }
    check(status === expected, `${status}, not ${expected}`);
    check(status === 500 || !faults.includes("in the commit"), `${status}, and the commit failed`);
  }

  #checkInterruption(visit: Visit): void {
    const { loaded, interruptions } = visit;
    check(new Set(interruptions).size === interruptions.length, "interrupted twice");
    if (visit.isInterrupted(loaded)) {
      const token = this.tokens.get(visit.presented!)!;
      check(this.#cause(visit, token, visit) !== undefined, "interrupted without a cause");
    }
    if (loaded === undefined || !visit.isSuccess || visit.sid !== loaded) return;
    const changes = visit.changes.some(({ sid }) => sid === loaded) || visit.regenerated.length > 0;
    const late = this.#ends(loaded).some(({ by, fate }) =>
      by !== visit && fate === "done" && by.isBefore(visit.handled)
    );
    check(!changes || !late || visit.isInterrupted(loaded), "what was dropped was not told");
  }

  #checkCookie(visit: Visit): void {
    const { cookie, sid, presented, loaded } = visit;
    const known = this.tokens.get(cookie ?? "");
    visit.isFresh = Boolean(cookie) && !known;
    const interrupted = visit.isInterrupted(sid);
    const regenerates = visit.isSuccess && visit.regenerated.includes(sid!) && !interrupted;
    check(!regenerates || visit.isFresh, "regenerated without a new token");
    if (!cookie) return;
    check(sid !== undefined, "a cookie without a session");
    check(!interrupted, "a cookie for a session that has ended");
    check(!known || known.sid === sid, "two sessions share a token");
    if (sid !== loaded) check(!known, "a new session has an old token");
    else if (!this.#life.rotate && !visit.regenerated.includes(loaded!)) {
      check(cookie === presented, "another token without a reason");
      check(visit.renewed.length > 0 || this.#life.rolling, "a cookie without a reason");
    }
    if (!known) this.tokens.set(cookie, { sid: sid!, by: visit });
  }

  /** Who changed nothing wrote nothing. */
  #checkIdle(visit: Visit): void {
    const { loaded, seen, calls, cookie } = visit;
    if (!visit.isLook || seen.notice !== undefined && visit.isPage) return;
    if (loaded !== undefined && this.#life.rotate) return;
    const allowed = loaded !== undefined && this.#life.rolling ? ["read", "touch"] : ["read"];
    check(calls.every((call) => allowed.includes(call)), "who only read wrote");
    const isFollowing = this.#life.rotate !== undefined;
    check(
      loaded !== undefined || isFollowing || calls.length <= 1,
      "more than one look for nothing",
    );
    check(loaded !== undefined || !cookie, "a cookie for an empty session");
  }

  #checkRotation(visit: Visit): void {
    const { every } = this.#life.rotate!;
    const { loaded, sid, presented, cookie } = visit;
    if (loaded === undefined || sid !== loaded || visit.regenerated.length) return;
    if (visit.isInterrupted(loaded)) return;
    const token = this.tokens.get(presented!)!;
    const age = visit.begin.clock - (token.by.end?.clock ?? Infinity);
    check(
      !visit.isSuccess || age < every * 1000 || Boolean(cookie) && cookie !== presented,
      "a token that is due is not rotated",
    );
    if (!cookie || cookie === presented) return;
    const before = this.#rotations(presented!).filter(({ by }) => by !== visit);
    check(
      before.length > 0 || visit.end!.clock - token.by.begin.clock >= every * 1000,
      "a token is rotated before its time",
    );
    for (const { by } of before) {
      const isUsed = this.#visits.some((other) => other.presented === by.cookie);
      check(by.cookie === cookie || isUsed, "a token has two successors");
    }
  }

  /** The requests with a token that gave it a successor, or may have. */
  #rotations(token: string): { by: Visit; fate: Fate }[] {
    if (!this.#life.rotate) return [];
    const creator = this.tokens.get(token)?.by;
    return this.#visits.filter((by) => by.presented === token && by.loaded !== undefined)
      .filter((by) => !by.regenerated.length && by.sid === by.loaded || !by.end)
      .concat(creator?.loaded === undefined && creator ? [creator] : [])
      .map((by) => ({ by, fate: fateOfRotation(by, token) }))
      .filter(({ fate }) => fate !== "never");
  }

  /** When a token that was rotated stops to open its session. */
  #graceEnd(token: string): { earliest: number; latest: number } {
    const { grace = Infinity } = this.#life.rotate ?? {};
    const rotations = this.#rotations(token);
    const done = rotations.filter(({ fate }) => fate === "done");
    return {
      earliest: Math.min(...rotations.map(({ by }) => by.begin.clock + grace * 1000)),
      latest: Math.min(...done.map(({ by }) => by.end!.clock + grace * 1000)),
    };
  }

  #changes(sid: string): (Change & { by: Visit; fate: Fate })[] {
    return this.#visits.flatMap((by) =>
      by.changes.filter((change) => change.sid === sid)
        .map((change) => ({ ...change, by, fate: change.fate ?? by.fate(sid) }))
        .filter(({ fate }) => fate !== "never")
    );
  }

  #ends(sid: string): { by: Visit; fate: Fate }[] {
    return this.#visits.flatMap((by) =>
      by.ended.filter((end) => end.sid === sid)
        .map((end) => ({ by, fate: this.#isOvertaken(by, sid) ? "maybe" : by.fateOfEnd(end) }))
    );
  }

  /** Whether the token of a request may have been regenerated away under it, so that it ended nothing. */
  #isOvertaken(visit: Visit, sid: string): boolean {
    const done = this.#regenerations(sid, "done").filter((by) => !by.isBefore(visit.begin.place));
    return [...done, ...this.#regenerations(sid, "maybe")].some((by) =>
      by !== visit && !visit.isBefore(by.begin.place)
    );
  }

  #regenerations(sid: string, fate: Fate): Visit[] {
    return this.#visits.filter((by) =>
      by.regenerated.includes(sid) && by.fateOfRegeneration(sid) === fate
    );
  }

  /** Until when a session lives at least, in epoch milliseconds, by what was renewed before a place in the order. */
  #earliestDeadline(sid: string, place: number): number {
    const { maxAge, absoluteMaxAge = Infinity, rolling } = this.#life;
    const creator = this.#creator(sid);
    let renewed = creator.begin.clock;
    for (const by of this.#visits) {
      if (by.loaded !== sid || by.fate(sid) !== "done" || !by.isBefore(place)) continue;
      if (by.renewed.includes(sid)) renewed = Math.max(renewed, by.begin.clock);
      // Renewals are a tenth of a life apart.
      else if (rolling) renewed = Math.max(renewed, by.begin.clock - maxAge * 100);
    }
    return Math.min(renewed + maxAge * 1000, creator.begin.clock + absoluteMaxAge * 1000);
  }

  /** From when on a session is dead for sure. */
  #latestDeadline(sid: string): number {
    const { maxAge, absoluteMaxAge = Infinity, rolling } = this.#life;
    const creator = this.#creator(sid);
    const until = ({ end }: Visit) => end?.clock ?? this.#clock();
    let renewed = until(creator);
    for (const by of this.#visits) {
      const renews = by.renewed.includes(sid) || rolling && by.loaded === sid;
      if (renews && by.fate(sid) !== "never") renewed = Math.max(renewed, until(by));
    }
    return Math.min(renewed + maxAge * 1000, until(creator) + absoluteMaxAge * 1000);
  }

  #creator(sid: string): Visit {
    return [...this.tokens.values()].find((token) => token.sid === sid)!.by;
  }
}

function fateOfRotation(by: Visit, token: string): Fate {
  if (!by.end || by.status === 503 || by.status === 409) return "maybe";
  if (by.isInterrupted(by.sid) || by.status === 500) return "never";
  return by.cookie && by.cookie !== token ? "done" : "never";
}

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`Broken: ${what}`);
}
