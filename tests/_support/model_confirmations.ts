import { check, type History } from "./model_history.ts";
import { SUBJECT } from "./model_memory.ts";
import type { Change, Visit } from "./model_visit.ts";

/** The methods by which sessions are confirmed. */
export const METHODS = ["password", "otp"];

const PREFIX = "confirmed by ";

/** The name of the change that confirms a session. */
export function confirmationBy(method: string): string {
  return PREFIX + method;
}

/** Whether a name is that of a confirmation. */
export function isConfirmation(key: string): boolean {
  return key.startsWith(PREFIX);
}

/** Whether nobody has confirmed a session at this time or later, so that it is a change. */
export function isNewConfirmation(
  { key, value }: Change,
  seen: Visit["seen"],
  others: readonly Change[] = [],
): boolean {
  const isAsLate = (other: string | undefined) => Number(other ?? NaN) >= Number(value);
  return !isAsLate(seen[key]) &&
    !others.some((other) => other.key === key && isAsLate(other.value));
}

/**
 * What a request finds of confirmations: each is one that somebody has made for the subject of the session, and nobody has
 * made it another subject's since. None gets lost, and of two the later one shows.
 */
export function checkConfirmations(history: History, visit: Visit, sid: string): void {
  const { seen, begin } = visit;
  const changes = history.changes(sid);
  const binds = changes.filter(({ key }) => key === SUBJECT);
  for (const key of METHODS.map(confirmationBy)) {
    const value = seen[key];
    const made = changes.filter((change) => change.key === key);
    if (value !== undefined) {
      const possible = made.filter((one) =>
        one.value === value && one.subject === seen[SUBJECT] &&
        !binds.some(({ by, fate, value }) =>
          fate === "done" && value !== one.subject && by.isBefore(begin.place) &&
          by.begin.place > (one.by.end?.place ?? Infinity)
        )
      );
      check(possible.length > 0, `${key} at ${value}, and nobody has for this subject`);
    }
    for (const one of made) {
      const isKept = one.fate === "done" && one.by.isBefore(begin.place) &&
        // A slow store may be late with what it was said not to have done.
        !binds.some(({ by, value }) =>
          value !== one.subject && (by.faults.length > 0 || !by.isOver(one.by.begin.place))
        );
      check(!isKept || Number(value) >= Number(one.value), `${key} at ${one.value} is lost`);
    }
  }
}
