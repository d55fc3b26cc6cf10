import { SessionEndedError } from "../errors.ts";
import { contentsOf, EMPTY_CONTENTS, sameContents } from "../record/contents.ts";
import { mergeContents, ownContents } from "../record/merge.ts";
import type { StoredSession } from "../record/record.ts";
import { timesOf } from "../record/renewal.ts";
import type { StoreWrite } from "../store/contract.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { CommitContext } from "./context.ts";
import { checkStored, create } from "./create.ts";
import { plan } from "./plan.ts";
import { enlistAtProvider } from "./provider_login.ts";
import { reread } from "./reread.ts";
import { startGracePeriod } from "./rotation.ts";
import { checkLimit } from "./session_limit.ts";
import { toStored, write } from "./write.ts";

/** Writes over the stored record, if necessary, and retries after a conflict. */
export function overwrite(context: CommitContext, current: StoredSession): Awaitable<void> {
  const { config, state } = context;
  context.current = current;
  // The session has expired as far as this request knows, but another request may have renewed it.
  if (!state.isLiveFor(current.record, config.clock())) return overwriteFresh(context, current);
  // The new token could not be sent to the client.
  if (state.isGraceOver && context.pending.regenerate) return startOver(context);
  return andThen(checkLimit(context), writeOver, context);
}

function writeOver(_checked: unknown, context: CommitContext): Awaitable<void> {
  const current = context.current!;
  context.contents = context.options.change?.apply(context.newer) ?? mergeContents(context);
  const next = plan(context, current);
  if (!next) return settle(context, current);
  context.next = next;
  const enlisted = enlistAtProvider(context, next.record);
  const written = andThen(andThen(enlisted, keepTraces, context), write, context);
  return andThen(written, settleWrite, context);
}

function settleWrite(written: StoreWrite, context: CommitContext): Awaitable<void> {
  const { state, theirs, contents, next } = context;
  const current = context.current!;
  const stored = toStored(written, { place: context.place, record: next.record });
  if (!stored) return overwriteFresh(context, current);
  if (next.sendsCookie || stored.token !== current.token) state.sendsCookie = true;
  settle(context, stored);
  if (next.operation === "replace") context.emit("regenerated");
  if (next.operation === "rotate") context.emit("rotated");
  if (next.renewal) context.emit("renewed");
  context.emitUpdated(theirs.data, contents.data);
  return checkStored(context);
}

/** Keeps the previous token accepted for as long as necessary. */
function keepTraces(_enlisted: unknown, context: CommitContext): Awaitable<unknown> {
  const { config, state: { presentedTrace }, next: { graceUntil, renewal, record }, c } = context;
  if (graceUntil !== undefined) {
    const key = context.current!.record.predecessor!;
    return startGracePeriod(config, { key, graceUntil }, c);
  }
  if (!renewal || !presentedTrace) return undefined;
  const { key, record: trace } = presentedTrace;
  const expiresAt = Math.max(record.expiresAt, trace.expiresAt);
  return config.store.touch(key, { ...timesOf(trace), expiresAt }, trace, c);
}

/** Reads the session again after a conflict, and writes over the new record. */
async function overwriteFresh(context: CommitContext, stale: StoredSession): Promise<void> {
  const current = await reread(context, stale);
  if (current === "replaced") return await startOver(context);
  if (typeof current === "string") refuseEnded();
  await overwriteOther(context, current);
}

/** Writes over a record other than the one that this request has loaded. */
export async function overwriteOther(
  context: CommitContext,
  current: StoredSession,
): Promise<void> {
  const { config, options, c } = context;
  const { record } = current;
  context.theirs = context.newer = contentsOf(record);
  const data = options.onlyToken ? undefined : await config.readData?.(record.data, c);
  // Invalid data stay as they are.
  if (data !== undefined) context.newer = contentsOf({ ...record, data });
  await overwrite(context, current);
}

/**
 * Continues after a concurrent request has given the session another token, as after a double click on "Log
 * in". If this request called `regenerate()` itself, it gets a new session that holds only its own changes: the
 * login is not lost, and the replaced token stays invalid.
 */
async function startOver(context: CommitContext): Promise<void> {
  const { state, options, pending } = context;
  if (pending.regenerate && options.change) {
    // A change of one key can't make a session of its own: the whole session is committed instead.
    return state.restorePending(pending);
  }
  const contents = ownContents(context, state.assigned);
  const isLogin = pending.regenerate === true && !options.onlyToken &&
    (pending.subject || !sameContents(contents, EMPTY_CONTENTS));
  if (!isLogin) refuseEnded();
  context.replaced = state.sid;
  context.current = undefined;
  state.startOver();
  // Otherwise a later save, if this fails, would store data that the other session showed.
  state.show(contents, context.mine);
  await create(context, contents);
}

function settle(
  { state, options: { change }, contents, mine }: CommitContext,
  stored: StoredSession,
): void {
  state.adopt(stored, contents);
  if (!change) state.flashed?.keep(mine.flash, contents.flash);
  state.show(contents, mine);
  change?.committed(contents);
}

export function refuseEnded(): never {
  throw new SessionEndedError("Cannot commit session: it has ended; log in again");
}
