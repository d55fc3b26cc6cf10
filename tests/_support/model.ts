import { COMMIT_TRIES } from "../../src/util/tries.ts";
import { isConfirmation } from "./model_confirmations.ts";
import { CookieMemory } from "./model_cookies.ts";
import { check, History, type Life, type Token } from "./model_history.ts";
import { type Memory, SUBJECT } from "./model_memory.ts";
import { Rotation } from "./model_rotation.ts";
import { ServerMemory } from "./model_server.ts";
import { Subjects } from "./model_subjects.ts";
import type { Asked, Change, Moment, Visit } from "./model_visit.ts";

/** For how long it is known why a token was replaced, in seconds. */
const REPLACED = 60;

/**
 * What sessions are, said as plainly as it can be: a history of what requests did and were told, and rules that
 * no answer may break. It has no store, no versions, no merging.
 *
 * What requests do at the same time may happen in any order. So it never says what is, but what can be: a value
 * can be read when its writer had begun, and when no other writer came and went between the two.
 */
export class Model {
  readonly #life: Life;
  readonly #history: History;
  readonly #rotation: Rotation;
  readonly #memory: Memory;
  /** What is known of increments, which a store on the server does one after the other. */
  readonly increments: ServerMemory;
  /** What is known of the sessions of subjects. */
  readonly subjects: Subjects;

  /** @param clock A true clock. Those of processes differ from it. */
  constructor(life: Life, clock: () => number) {
    this.#life = life;
    this.#history = new History(life, clock);
    this.#rotation = new Rotation(this.#history);
    this.increments = new ServerMemory(this.#history);
    this.#memory = life.inCookies ? new CookieMemory(this.#history) : this.increments;
    this.subjects = new Subjects(this.#history, this.#memory);
  }

  /** The tokens that were given away, those in answers that got lost among them. */
  get tokens(): ReadonlyMap<string, Token> {
    return this.#history.tokens;
  }

  /** Whether sessions are held by their cookies. */
  get inCookies(): boolean {
    return this.#life.inCookies;
  }

  /** The place in the order that what happens now has. */
  place(): number {
    return this.#history.now().place;
  }

  begin(asked: Asked): Visit {
    return this.#history.begin(asked);
  }

  /** A request has loaded its session. */
  load(visit: Visit, sid: string | undefined, seen: Record<string, string>): void {
    visit.loaded = sid;
    visit.seen = seen;
    if (sid !== undefined) this.#checkOpen(visit, sid);
    else this.#checkClosed(visit);
    if (sid === undefined) return check(Object.keys(seen).length === 0, "a new session is empty");
    this.#memory.checkContents(visit, sid);
  }

  /** The handler finds an independent session in the place of the one that it had. */
  startedOver(visit: Visit, from: string, to: string): void {
    check(visit.regenerated.includes(from), "another session, and nobody asked for a new token");
    const others = this.#replacements(visit, from);
    const { earliest } = this.#rotation.graceEnd(visit.presented!, visit.begin.place);
    const isLate = this.#history.time >= earliest;
    check(
      isLate || others.length + visit.faults.length > 0,
      "an independent session without a cause",
    );
    visit.startsOver(from, to);
    for (const increment of this.#history.increments) {
      // One that failed may have been stored, and is part of what was put in.
      const isOwn = increment.by === visit && increment.sid === from && increment.fate === "maybe";
      if (isOwn) this.#history.increments.push({ ...increment, sid: to });
    }
  }

  handled(visit: Visit, sid: string | undefined, left: Record<string, string>): void {
    visit.handled = this.#history.now().place;
    visit.sid = sid;
    visit.left = left;
  }

  /** A request was answered. */
  end(visit: Visit, { expected, isLost }: { expected: number; isLost: boolean }): void {
    visit.end = this.#history.now();
    const other = visit.created.find((sid) => !visit.held.has(sid));
    if (other !== undefined) this.startedOver(visit, visit.sid!, other);
    this.#checkStatus(visit, expected);
    this.#checkInterruption(visit);
    this.#checkCookie(visit);
    this.#checkIdle(visit);
    this.subjects.check(visit);
    if (this.#life.rotate) this.#rotation.check(visit);
    const token = this.#history.tokens.get(visit.cookie ?? "");
    if (token && !isLost) token.isKnown = true;
  }

  /** A browser has dropped a cookie whose time was over, and which the answer to a request had brought. */
  dropped(token: string, bringer: Visit): void {
    const now = this.#history.now();
    const { sid } = this.#history.tokens.get(token)!;
    // The browser need not know of everything.
    const hasNews = !this.#life.inCookies &&
      this.#history.visits.some((by) =>
        (by.loaded === sid || by.sid === sid) && !by.isBefore(bringer.begin.place) &&
        (by.faults.length > 0 || by !== bringer && this.#mayRenewUnheard(by))
      );
    const cause = this.#cause({ begin: now, presented: token }, this.#history.tokens.get(token)!);
    check(hasNews || cause !== undefined, "a cookie ends before its session");
  }

  /** A token opened a session. */
  #checkOpen(visit: Visit, sid: string): void {
    const token = this.#history.tokenOf(visit);
    check(token?.sid === sid, "a token opens no session but its own");
    const { place, clock } = visit.begin;
    for (const { fate, end } of this.#history.ends(visit.presented!)) {
      check(fate !== "done" || end > place, "an ended session opens");
    }
    for (const by of this.#history.regenerations(sid, "done")) {
      check(
        !by.isBefore(place) || !token!.by.isBefore(by.begin.place),
        "a token opens that was regenerated away",
      );
    }
    check(clock < this.#memory.latestDeadline(visit.presented!), "an expired session opens");
    const { latest } = this.#rotation.graceEnd(visit.presented!, visit.begin.place);
    check(clock < latest, "a token opens after its grace");
  }

  /** A token opened nothing. */
  #checkClosed(visit: Visit): void {
    const token = this.#history.tokenOf(visit);
    if (!token) return;
    const cause = this.#cause(visit, token);
    check(cause !== undefined, "a live session does not open");
    if (cause !== "grace" || this.#rotation.isForgotten(visit.presented!)) return;
    const { latest } = this.#rotation.graceEnd(visit.presented!, visit.begin.place);
    const isNoticed = visit.rejections.includes("reuse");
    check(visit.begin.clock < latest || isNoticed, "the reuse of a token goes unnoticed");
  }

  /** Why a session may be gone for a request, if it may. One that has found it keeps it when it ends in time. */
  #cause(
    { begin, presented }: { begin: Moment; presented: string | undefined },
    token: Token,
    self?: Visit,
  ): string | undefined {
    const { sid } = token;
    const { maxAge, rolling, inCookies } = this.#life;
    const ends = this.#history.ends(presented!).filter(({ by, fate, isOfAll }) =>
      (isOfAll || by !== self) && fate !== "never"
    );
    if (ends.length) return "ended";
    const now = this.#history.time;
    // A store on the server holds it for longer.
    const spare = self && rolling && !inCookies ? maxAge : 0;
    const place = self ? self.handled : begin.place;
    if (now >= this.#memory.earliestDeadline(presented!, place, spare)) return "expired";
    const isLater = (by: Visit) => by !== self && !by.isBefore(token.by.begin.place);
    const moved = [
      ...this.#history.regenerations(sid, "done").filter((by) => by !== token.by && isLater(by)),
      // A slow store is late with it.
      ...this.#history.regenerations(sid, "maybe").filter((by) =>
        this.#life.inCookies ? by !== self : isLater(by)
      ),
    ];
    if (moved.length) return "regenerated";
    if (self) return undefined;
    if (now >= this.#rotation.graceEnd(presented!, begin.place).earliest) return "grace";
    return this.#rotation.isForgotten(presented!) ? "forgotten" : undefined;
  }

  #checkStatus(visit: Visit, expected: number): void {
    const { status, faults, refusals } = visit;
    if (status === 503) return check(faults.length > 0, "503, and the store did not fail");
    if (status === 409) {
      const logins = [...visit.regenerated, ...visit.logins.map(({ sid }) => sid)];
      const isLogin = logins.some((sid) => visit.isInterrupted(sid)) ||
        this.subjects.mayRefuse(visit) || this.#mayBeEnded(visit);
      return check(isLogin || refusals >= COMMIT_TRIES, "409 without a cause");
    }
    check(status === expected, `${status}, not ${expected}`);
    const mayFail = status === 500 || !faults.includes("in the commit") || this.#hasOnlyDue(visit);
    check(mayFail, `${status}, and the commit failed`);
  }

  /** Whether a request leaves nothing to commit but what is due by itself, as a renewal is. */
  #hasOnlyDue(visit: Visit): boolean {
    const { sid, changes, flashed, renewals, unsavedTokens, startedOver } = visit;
    if (startedOver || unsavedTokens.has(sid!)) return false;
    const put = [...changes, ...flashed].filter((change) => change.sid === sid);
    const saved = put.filter((change) => change.saved === "done");
    return renewals.every((renewal) => renewal.sid !== sid || renewal.isSaved) &&
      put.every((change) =>
        saved.some(({ key, value }) => key === change.key && value === change.value) ||
        !this.#memory.isNews(visit, change)
      );
  }

  #checkInterruption(visit: Visit): void {
    const { loaded, interruptions } = visit;
    check(new Set(interruptions).size === interruptions.length, "interrupted twice");
    if (loaded === undefined) return;
    if (visit.isInterrupted(loaded)) {
      const cause = this.#cause(visit, this.#history.tokenOf(visit)!, visit);
      // It may have given its session another token itself, and not have been told. And it gives none that it can't send.
      const { earliest } = this.#rotation.graceEnd(visit.presented!, visit.begin.place);
      const isLate = this.#history.time >= earliest;
      const isOwn = visit.regenerated.includes(loaded) && (isLate || visit.faults.length > 0);
      const isTold = visit.status === 409 || visit.isToldOfEnd;
      const isRefused = isTold && this.subjects.mayRefuse(visit);
      check(cause !== undefined || isOwn || isRefused, "interrupted without a cause");
      const isLogin = visit.status < 500 && this.#logsIn(visit);
      // A confirmation alone makes no session of its own.
      const isOwnLogin = visit.status < 500 &&
        this.#logsIn(visit, ({ key }) => !isConfirmation(key));
      check(
        !isOwnLogin || isRefused || cause !== "regenerated" ||
          !visit.regenerated.includes(loaded) ||
          !this.#isRecent(visit),
        "a login is dropped for one at the same time",
      );
      const isSilent = visit.isSuccess && !visit.isToldOfEnd;
      check(!isLogin || !isSilent, "a login is lost in silence");
    }
    if (!visit.isSuccess || visit.sid !== loaded) return;
    const isRegenerated = visit.regenerated.includes(loaded) && !visit.saved.has(loaded);
    const changes = isRegenerated ||
      visit.changes.some((change) =>
        change.sid === loaded && change.value !== undefined && change.saved === undefined &&
        change.fate === undefined && this.#memory.isNews(visit, change)
      );
    const late = this.#history.ends(visit.presented!).some(({ by, end, fate, isOfAll }) =>
      (isOfAll || by !== visit) && fate === "done" && end < visit.handled
    );
    check(!changes || !late || visit.isInterrupted(loaded), "what was dropped was not told");
  }

  /** Whether somebody may have ended the session that a request has found. */
  #mayBeEnded({ loaded, presented }: Visit): boolean {
    return loaded !== undefined &&
      this.#history.ends(presented!).some(({ fate }) => fate !== "never");
  }

  /** Whether a request puts something into a session that is to get a new token. */
  #logsIn(visit: Visit, counts: (change: Change) => boolean = () => true): boolean {
    const { loaded, changes, flashed, regenerated, saved } = visit;
    const isRegenerated = regenerated.includes(loaded!) && !saved.has(loaded!);
    return [...changes, ...flashed].some((change) =>
      change.sid === loaded && change.value !== undefined && change.saved === undefined &&
      change.fate === undefined && counts(change) &&
      (isRegenerated || change.key === SUBJECT && this.#memory.isNews(visit, change))
    );
  }

  /** Whether it is known why the token of a request was replaced under it. */
  #isRecent(visit: Visit): boolean {
    const recent = visit.end!.clock - (REPLACED - this.#life.skew) * 1000;
    return visit.faults.length === 0 &&
      this.#replacements(visit, visit.loaded!).every((by) => by.begin.clock > recent);
  }

  /** The requests that may have given a session another token while one ran; a slow store is late with it. */
  #replacements(visit: Visit, sid: string): Visit[] {
    const done = this.#history.regenerations(sid, "done");
    return [
      ...done.filter((by) => !by.isBefore(visit.begin.place)),
      ...this.#history.regenerations(sid, "maybe"),
    ].filter((by) => by !== visit);
  }

  #checkCookie(visit: Visit): void {
    const { cookie, sid, presented, loaded } = visit;
    const known = this.#history.tokens.get(cookie ?? "");
    visit.isFresh = Boolean(cookie) && !known;
    const interrupted = visit.isInterrupted(sid);
    const isOwed = sid !== undefined &&
      (visit.regenerated.includes(sid) || visit.startedOver?.to === sid);
    check(
      !visit.isSuccess || !isOwed || interrupted || visit.isFresh,
      "regenerated without a new token",
    );
    if (!cookie) return;
    check(sid !== undefined, "a cookie without a session");
    check(!interrupted, "a cookie for a session that has ended");
    check(!known || known.sid === sid, "two sessions share a token");
    if (sid !== loaded) check(!known, "a new session has an old token");
    else if (this.#life.inCookies) {
      check(
        !visit.asked.isLook || this.#life.rolling || visit.seen.notice !== undefined,
        "a cookie without a reason",
      );
    } else if (!this.#life.rotate && !visit.regenerated.includes(loaded!)) {
      check(cookie === presented, "another token without a reason");
      check(visit.renews(sid) || this.#life.rolling, "a cookie without a reason");
    }
    if (!known) this.#history.tokens.set(cookie, { sid: sid!, by: visit, isKnown: false });
  }

  /** Who changed nothing wrote nothing. */
  #checkIdle(visit: Visit): void {
    const { loaded, seen, calls, cookie, asked, begin, end } = visit;
    if (!asked.isLook || seen.notice !== undefined && asked.isPage) return;
    const { rotate, rolling, inCookies } = this.#life;
    if (loaded !== undefined && (rotate || inCookies && rolling)) return;
    const allowed = ["read"];
    if (loaded !== undefined && this.#life.rolling) allowed.push("touch");
    // A session that has ended under the request is brought back.
    if (end!.clock > begin.clock) allowed.push("update");
    check(calls.every((call) => allowed.includes(call)), "who only read wrote");
    // Of the session and of its subject.
    const isFollowing = rotate !== undefined || inCookies;
    check(
      loaded !== undefined || isFollowing || calls.length <= 1,
      "more than one look for nothing",
    );
    check(loaded !== undefined || !cookie, "a cookie for an empty session");
  }

  /** Whether a request may have renewed its session and told nobody but its own client. */
  #mayRenewUnheard({ end, cookie, renewals, asked }: Visit): boolean {
    // What the library does by itself waits for another answer than a 304, or is done again soon, by the clock of who did it.
    const isTold = Boolean(cookie) && (!asked.isConditional || this.#life.skew > 0);
    return !end || isTold || renewals.length > 0;
  }
}
