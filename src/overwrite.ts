import { type Committing, readContents, reread, tellUpdated } from "./committing.ts";
import { type Contents, contentsOf, mergeContents, type Versions } from "./contents.ts";
import { SessionEndedError } from "./errors.ts";
import { emit } from "./events.ts";
import { isLive } from "./expiry.ts";
import { admit, evict } from "./limit.ts";
import { type CommitOptions, plan, type WriteOptions } from "./plan.ts";
import { andThen, type Awaitable } from "./promise.ts";
import { boundAt } from "./requested.ts";
import { isRotationDue } from "./rotation.ts";
import type { SessionState, Stored } from "./session_state.ts";
import { put, rotateTo } from "./write.ts";

/** How often a commit is tried against the writes of other requests. */
const COMMIT_TRIES = 5;

/** One try to bring what is stored in line. */
export interface Attempt {
  readonly options: WriteOptions;
  readonly versions: Versions;
  readonly current: Stored;
  readonly tries: number;
}

/** Writes over what is stored, if there is need. */
export function overwrite(
  committing: Committing,
  state: SessionState,
  attempt: Attempt,
  c: unknown,
): Awaitable<void> {
  const { options, versions, current } = attempt;
  const now = committing.clock();
  // What has ended as far as this request knows, another may have renewed.
  if (!isLive(committing.expiry, current.record, now)) {
    return overwriteFresh(committing, state, attempt, c);
  }
  const { mine, theirs } = versions;
  const contents = mergeContents(versions);
  const rotate = isRotating(committing, { state, options, current, now });
  const next = plan(committing, { current, contents, theirs, options, now, rotate });
  if (!next) return settle(state, current, { contents, mine });
  const admitted = options.keepChanges
    ? admit(committing, options.requested, current.record, c)
    : undefined;
  const written = andThen(
    admitted,
    (at) => {
      const record = boundAt(next.record, at);
      return next.operation === "rotate"
        ? rotateTo(committing, { current, record, now }, c)
        : put(committing, { current, operation: next.operation, record }, c);
    },
  );
  return andThen(written, (stored) => {
    if (!stored) return overwriteFresh(committing, state, attempt, c);
    state.deliver ||= next.deliver || stored.token !== current.token;
    settle(state, stored, { contents, mine });
    const event = { sid: state.sid };
    if (next.operation === "replace") emit(committing, "regenerated", event, c);
    if (next.operation === "rotate") emit(committing, "rotated", event, c);
    if (next.renewal) emit(committing, "renewed", event, c);
    tellUpdated(committing, state, { before: theirs.data, now: contents.data }, c);
    if (stored.record.subject !== current.record.subject) return evict(committing, state, c);
  });
}

/** Tries it once more over what another request wrote first. */
async function overwriteFresh(
  committing: Committing,
  state: SessionState,
  { options, versions, current, tries }: Attempt,
  c: unknown,
): Promise<void> {
  const fresh = await reread(committing, state, { current, tries, most: COMMIT_TRIES }, c);
  if (!fresh) throw new SessionEndedError("Cannot commit session: it has ended; log in again");
  const theirs = contentsOf(fresh.record);
  const newer = options.keepChanges && committing.readData
    ? await readContents(committing, fresh.record, c)
    : theirs;
  const next = { ...versions, theirs, newer };
  await overwrite(
    committing,
    state,
    { options, versions: next, current: fresh, tries: tries + 1 },
    c,
  );
}

/** Whether this request gives its session a new token: not if the session has just got one. */
export function isRotating(
  { rotation }: Committing,
  { state, options, current, now }: {
    state: SessionState;
    options: CommitOptions;
    current: Stored;
    now: number;
  },
): boolean {
  return options.rotate === true && !state.hasMoved && current.token !== undefined &&
    isRotationDue(rotation, current.record, now);
}

function settle(
  state: SessionState,
  stored: Stored,
  { contents, mine }: { contents: Contents; mine: Contents },
): void {
  state.adopt(stored);
  state.keepFlash(mine, contents);
  state.show(contents, mine);
}
