import { checkConfirmations, isConfirmation, isNewConfirmation } from "./model_confirmations.ts";
import { check, type History, type Increment } from "./model_history.ts";
import type { Memory, Time } from "./model_memory.ts";
import { SUBJECT } from "./model_memory.ts";
import type { Change, Fate, Visit } from "./model_visit.ts";

/** Sessions that a store on the server holds: whatever token leads to one, it is the same. */
export class ServerMemory implements Memory {
  readonly #history: History;

  constructor(history: History) {
    this.#history = history;
  }

  checkContents(visit: Visit, sid: string): void {
    const { count = "0", notice, ...data } = visit.seen;
    const keys = new Set([
      ...Object.keys(data),
      ...this.#history.changes(sid).map(({ key }) => key),
    ]);
    for (const key of keys) {
      if (!isConfirmation(key)) this.#checkValue(visit, { sid, key, value: data[key] });
    }
    checkConfirmations(this.#history, visit, sid);
    this.#checkCount(visit, sid, Number(count));
    this.#checkFlash(visit, { sid, value: notice });
  }

  increment(by: Visit, sid: string): Increment {
    const increment: Increment = {
      by,
      sid,
      begin: this.#history.now().place,
      end: Infinity,
      fate: "maybe",
      value: undefined,
    };
    this.#history.increments.push(increment);
    return increment;
  }

  /** An increment was answered. */
  incremented(increment: Increment, fate: Fate, value?: number): void {
    increment.fate = fate;
    increment.end = this.#history.now().place;
    increment.value = value;
    if (fate !== "done") return;
    const others = this.#history.increments.filter((other) =>
      other !== increment && other.sid === increment.sid && other.fate === "done"
    );
    check(others.every((other) => other.value !== value), `two increments gave ${value}`);
    this.#checkCount({ begin: { place: increment.begin } }, increment.sid, value!);
  }

  earliestDeadline(token: string, place: number, spare = 0): number {
    return this.#history.earliestDeadline(this.#sid(token), place, spare);
  }

  latestDeadline(token: string): number {
    return this.#history.latestDeadline(this.#sid(token));
  }

  bond(token: string, subject: string, time: Time): Fate {
    return this.#bond(this.#sid(token), subject, time);
  }

  mayBeOf(sid: string, subject: string, time: Time): boolean {
    return this.#bond(sid, subject, time) !== "never";
  }

  mayBeGone(token: string, { begin }: Time): boolean {
    const sid = this.#sid(token);
    // Nobody has the token, so what was given one that its answer did not bring is ended.
    return this.#history.regenerations(sid, "maybe").length > 0 ||
      this.#history.time >= this.#history.earliestDeadline(sid, begin);
  }

  /** Whether nobody else has made a session the same subject's meanwhile, so that it is no change any more. */
  isNews(visit: Visit, change: Change): boolean {
    const { sid, key, value } = change;
    if (isConfirmation(key)) {
      const others = this.#history.changes(sid).filter(({ by }) => by !== visit);
      return isNewConfirmation(change, visit.seen, others);
    }
    return key !== SUBJECT ||
      !this.#history.changes(sid).some((other) =>
        other.by !== visit && other.key === SUBJECT && other.value === value
      );
  }

  #sid(token: string): string {
    return this.#history.tokens.get(token)!.sid;
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

  #checkValue(
    visit: { begin: { place: number } },
    { sid, key, value }: Pick<Change, "sid" | "key" | "value">,
  ): void {
    const changes = this.#history.changes(sid).filter((change) => change.key === key);
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
    const all = this.#history.increments.filter((one) => one.sid === sid && one.fate !== "never");
    const least = all.filter(({ fate, end }) => fate === "done" && end < visit.begin.place).length;
    check(
      least <= value && value <= all.length,
      `count is ${value}, it can be ${least} to ${all.length}`,
    );
  }

  /** A flashed value shows in the next request, and in those at the same time as that. */
  #checkFlash(visit: Visit, { sid, value }: Pick<Change, "sid" | "value">): void {
    const others = this.#history.visits.filter((other) =>
      other !== visit && other.loaded === sid && other.asked.isPage
    );
    const flashes = this.#history.flashed(sid);
    if (value !== undefined) {
      check(flashes.some((flash) => flash.value === value), `flash is ${value}, nobody flashed it`);
      const consumed = others.some((other) =>
        other.seen.notice === value && other.fate(sid) === "done" &&
        other.isBefore(visit.begin.place)
      );
      // What a save has stored and is said not to have is stored again.
      const isAgain = flashes.some((flash) => flash.value === value && flash.saved === "maybe");
      check(!consumed || isAgain, "a flashed value shows twice");
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
}
