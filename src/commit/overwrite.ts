import { SessionEndedError } from "../errors.ts";
import { type Contents, contentsOf, EMPTY_CONTENTS, sameContents } from "../record/contents.ts";
import { mergeContents, type MergeVersions, ownContents } from "../record/merge.ts";
import { withSubjectAt } from "../record/pending_changes.ts";
import type { SessionRecord, StoredSession } from "../record/record.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { CommitContext } from "./context.ts";
import { create } from "./create.ts";
import { type Plan, plan } from "./plan.ts";
import { readContents, reread } from "./reread.ts";
import { checkProvider, enlistAtProvider } from "./provider_login.ts";
import { startGracePeriod } from "./rotation.ts";
import { checkLimit, enforceLimit } from "./session_limit.ts";
import { timesOf, toStored, write, type Written } from "./write.ts";

/** One try to bring the stored record in line. */
interface Attempt extends MergeVersions {
  readonly current: StoredSession;
}

/** The contents of a session that is brought in line. */
interface Settled {
  readonly context: CommitContext;
  readonly versions: MergeVersions;
  readonly contents: Contents;
}

/** A planned write and its input. */
interface Step extends Settled {
  readonly versions: Attempt;
  readonly current: StoredSession;
  readonly next: Plan;
  readonly now: number;
  readonly operation: Plan["operation"];
  /** The record that is written. */
  record: SessionRecord;
}

/** Writes over the stored record, if necessary, and retries after a conflict. */
export function overwrite(context: CommitContext, attempt: Attempt): Awaitable<void> {
  const { config, state, options, pending } = context;
  const { current } = attempt;
  const now = config.clock();
  // The session has expired as far as this request knows, but another request may have renewed it.
  if (!state.isLiveFor(current.record, now)) return overwriteFresh(context, attempt);
  // The new token could not be sent to the client.
  if (state.isGraceOver && pending.regenerate) return startOver(context, attempt);
  const contents = options.change?.apply(attempt.newer) ?? mergeContents(attempt);
  const next = plan(context, { current, contents, theirs: attempt.theirs, now });
  if (!next) return settle({ context, versions: attempt, contents }, current);
  const subjectAt = options.keepChanges ? checkLimit(context, current.record) : undefined;
  const { operation, record } = next;
  const step = { context, versions: attempt, current, contents, next, now, operation, record };
  return andThen(subjectAt, writeStep, step);
}

function writeStep(subjectAt: number | undefined, step: Step): Awaitable<void> {
  step.record = withSubjectAt(step.record, subjectAt);
  const enlisted = enlistAtProvider(step.context, step);
  const kept = andThen(enlisted, keepTraces, step);
  return andThen(andThen(kept, writeRecord, step), settleStep, step);
}

function writeRecord(_kept: unknown, step: Step): Awaitable<Written> {
  const { config, c } = step.context;
  return write(config.store, step, c);
}

function settleStep(written: Written, step: Step): Awaitable<void> {
  const stored = toStored(written, step);
  const { context, versions, current, contents, next } = step;
  const { state } = context;
  if (!stored) return overwriteFresh(context, versions);
  if (next.sendsCookie || stored.token !== current.token) state.sendCookie();
  settle(step, stored);
  if (next.operation === "replace") context.emit("regenerated");
  if (next.operation === "rotate") context.emit("rotated");
  if (next.renewal) context.emit("renewed");
  context.emitUpdated(versions.theirs.data, contents.data);
  const checked = checkProvider(context);
  if (stored.record.subject === current.record.subject) return checked;
  return andThen(checked, enforceLimitOf, step);
}

function enforceLimitOf(_checked: unknown, { context }: Step): Awaitable<void> {
  return enforceLimit(context);
}

/** Keeps the previous token accepted for as long as necessary. */
function keepTraces(_enlisted: unknown, { context, next }: Step): Awaitable<unknown> {
  const { config: { store, rotation }, state, c } = context;
  const { grace, renewal, record } = next;
  if (grace) return startGracePeriod({ store, rotation }, grace, c);
  const { presentedTrace } = state;
  if (!renewal || !presentedTrace) return undefined;
  const expiresAt = Math.max(record.expiresAt, presentedTrace.record.expiresAt);
  return store.touch(
    presentedTrace.key,
    { ...timesOf(presentedTrace.record), expiresAt },
    presentedTrace.record,
    c,
  );
}

/** Reads the session again after a conflict, and writes over the new record. */
async function overwriteFresh(context: CommitContext, attempt: Attempt): Promise<void> {
  const current = await reread(context, attempt.current);
  if (current === "replaced") return await startOver(context, attempt);
  if (typeof current === "string") refuseEnded();
  await overwriteOther(context, { ...attempt, current });
}

/** Writes over a record other than the one that this request has loaded. */
export async function overwriteOther(context: CommitContext, attempt: Attempt): Promise<void> {
  const { current } = attempt;
  const theirs = contentsOf(current.record);
  const newer = context.options.keepChanges && context.config.readData
    ? await readContents(context, current.record)
    : theirs;
  await overwrite(context, { ...attempt, theirs, newer });
}

/**
 * Continues after a concurrent request has given the session another token, as after a double click on "Log
 * in". If this request called `regenerate()` itself, it gets a new session that holds only its own changes: the
 * login is not lost, and the replaced token stays invalid.
 */
async function startOver(context: CommitContext, versions: MergeVersions): Promise<void> {
  const { state, options, pending } = context;
  if (pending.regenerate && options.change) {
    // A change of one key can't make a session of its own: the whole session is committed instead.
    return state.restorePending(pending);
  }
  const contents = ownContents(versions, state.properties.assigned);
  const isLogin = pending.regenerate === true && options.keepChanges &&
    (pending.subject || !sameContents(contents, EMPTY_CONTENTS));
  if (!isLogin) refuseEnded();
  context.replaced = state.sid;
  state.startOver();
  // Otherwise a later save, if this fails, would store data that the other session showed.
  state.show(contents, versions.mine);
  await create(context, contents);
}

function settle(
  { context: { state, options: { change } }, contents, versions: { mine } }: Settled,
  stored: StoredSession,
): void {
  state.adopt(stored, contents);
  if (!change) state.keepFlash(mine, contents);
  state.show(contents, mine);
  change?.committed(contents);
}

function refuseEnded(): never {
  throw new SessionEndedError("Cannot commit session: it has ended; log in again");
}
