import { SessionEndedError } from "../errors.ts";
import { emit } from "../events.ts";
import { type Contents, contentsOf, EMPTY, sameContents } from "../record/contents.ts";
import { mergeContents, ownContents, type Versions } from "../record/merge.ts";
import { boundAt } from "../record/pending_changes.ts";
import type { Stored } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import { type Committing, tellUpdated } from "./context.ts";
import { create } from "./create.ts";
import { type CommitOptions, type Plan, plan, type WriteOptions } from "./plan.ts";
import { readContents, reread, Retry } from "./retry.ts";
import { isRotationDue, startGrace, withUsedToken } from "./rotation.ts";
import { admit, evict } from "./session_limit.ts";
import { put, timesOf } from "./write.ts";

/** One try to bring what is stored in line. */
export interface Attempt {
  readonly options: WriteOptions;
  readonly versions: Versions;
  readonly current: Stored;
  /** The tries so far, once another request was faster. */
  readonly retry?: Retry;
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
  if (!state.isLiveFor(current.record, now)) {
    return overwriteFresh(committing, state, attempt, c);
  }
  // Nobody could be told of the token that the session would get.
  if (state.isLate && options.requested.regenerate) {
    return startOver(committing, state, { options, versions }, c);
  }
  const { mine, theirs } = versions;
  const contents = mergeContents(versions);
  const rotate = isRotating(committing, { state, options, current, now });
  const next = plan(committing, { state, current, contents, theirs, options, now, rotate });
  if (!next) return settle(state, current, { contents, mine });
  const admitted = options.keepChanges
    ? admit(committing, options.requested, current.record, c)
    : undefined;
  const prepared = andThen(
    admitted,
    (at) => andThen(keepTraces(committing, state, next, c), () => boundAt(next.record, at)),
  );
  const written = andThen(
    prepared,
    (record) => put(committing, { current, now, operation: next.operation, record }, c),
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

/** Sees to it that the token before the present one is accepted for as long as it should be. */
function keepTraces(
  { store, rotation }: Committing,
  state: SessionState,
  { grace, renewal, record }: Plan,
  c: unknown,
): Awaitable<unknown> {
  if (grace) return startGrace({ store, rotation }, grace, c);
  const { via } = state;
  if (!renewal || !via) return undefined;
  const { expiresAt } = record;
  return store.touch(via.key, { ...timesOf(via.record), expiresAt }, via.record, c);
}

/** Tries it once more over what another request wrote first. */
async function overwriteFresh(
  committing: Committing,
  state: SessionState,
  { options, versions, current, retry = new Retry(committing.store.timeout) }: Attempt,
  c: unknown,
): Promise<void> {
  const fresh = await reread(committing, state, { current, retry }, c);
  if (fresh === "replaced") return await startOver(committing, state, { options, versions }, c);
  if (typeof fresh === "string") refuseEnded();
  await overwriteOther(committing, state, { options, versions, current: fresh, retry }, c);
}

/** Writes over what is stored and is not what this request has loaded. */
export async function overwriteOther(
  committing: Committing,
  state: SessionState,
  attempt: Attempt,
  c: unknown,
): Promise<void> {
  const { record } = attempt.current;
  const theirs = contentsOf(record);
  const newer = attempt.options.keepChanges && committing.readData
    ? await readContents(committing, record, c)
    : theirs;
  const versions = { ...attempt.versions, theirs, newer };
  await overwrite(committing, state, { ...attempt, versions }, c);
}

/**
 * Goes on where a parallel request has given the session another token, as after a double click on "Log in". A request
 * that asked for a new token itself gets a session of its own, with only what it has put in: a login is not lost, and a
 * token that was replaced leads to nothing.
 */
async function startOver(
  committing: Committing,
  state: SessionState,
  { options, versions }: Pick<Attempt, "options" | "versions">,
  c: unknown,
): Promise<void> {
  const { regenerate, ...requested } = options.requested;
  const contents = ownContents(versions, state.view.assigned);
  const isLogin = regenerate === true && options.keepChanges &&
    (requested.subject || !sameContents(contents, EMPTY));
  if (!isLogin) refuseEnded();
  state.startOver();
  // Or what is saved when this fails would hold what the other session showed.
  state.show(contents, versions.mine);
  await create(committing, state, { contents, requested }, c);
}

/** Whether this request gives its session a new token: not if the session has just got one. */
export function isRotating(
  { rotation }: Committing,
  { state, options, current, now }: {
    state: SessionState;
    options: Pick<CommitOptions, "rotate">;
    current: Stored;
    now: number;
  },
): boolean {
  if (!rotation || options.rotate !== true || state.hasMoved || state.hasNewToken) return false;
  return current.token !== undefined && state.reach === "sure" &&
    isRotationDue(rotation, withUsedToken(current.record, { rotation, now }), now);
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

function refuseEnded(): never {
  throw new SessionEndedError("Cannot commit session: it has ended; log in again");
}
