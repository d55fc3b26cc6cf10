import { SessionEndedError, SessionLimitError } from "../errors.ts";
import { type Contents, sameContents } from "../record/contents.ts";
import { isRenewalDue } from "../record/expiry.ts";
import { changesRecord } from "../record/pending_changes.ts";
import { type Awaitable, isPromiseLike } from "../util/awaitable.ts";
import {
  type CommitConfig,
  CommitContext,
  type CommitOptions,
  type InnerCommit,
} from "./context.ts";
import { create } from "./create.ts";
import { overwrite, overwriteOther } from "./overwrite.ts";
import { isRotating } from "./rotation.ts";

/**
 * Brings the store in line with a session: a create, an update, a replacement, a touch or nothing.
 *
 * Synchronous where the store is.
 *
 * @throws {SessionSerializationError} When a value would not survive JSON.
 */
export function commit(
  config: CommitConfig,
  options: CommitOptions,
  c: unknown,
): Awaitable<void> {
  const { state } = options;
  if (state.status !== "live") return;
  const held = options.keepChanges ? state.contents(options.consumeFlash) : undefined;
  const idle = isIdle(config, held, options);
  if (idle && !state.sendsCookie) return;
  const inner = options.inner?.innerCommit();
  if (idle && !inner) return;
  const context = new CommitContext(config, options, c);
  context.held = held;
  if (isPromiseLike(inner)) return commitOverInner(context, { inner, idle });
  context.inner = inner;
  return commitInTurn(context);
}

async function commitOverInner(
  context: CommitContext,
  { inner, idle }: { inner: Promise<InnerCommit | undefined>; idle: boolean },
): Promise<void> {
  context.inner = await inner;
  if (context.inner || !idle) await commitInTurn(context);
}

/** Commits when the commits of other requests that came before are done. */
export function commitInTurn(context: CommitContext): Awaitable<void> {
  const { config, state } = context;
  const running = config.queue.run(state.stored?.key ?? state, () => run(context));
  // If it has to wait, it looks again.
  context.held = undefined;
  return running;
}

function run(context: CommitContext): Awaitable<void> {
  const { state, options } = context;
  if (state.status !== "live") return;
  if (options.change) {
    context.pending = state.takeRegeneration();
  } else {
    const { subject } = state.pending;
    const generation = options.keepChanges ? subject?.generation.get() : undefined;
    if (isPromiseLike(generation)) return runAfter(generation, context);
    context.pending = state.takePending();
  }
  try {
    const writing = write(context);
    return isPromiseLike(writing) ? recoverLater(writing, context) : writing;
  } catch (error) {
    recover(context, error);
  }
}

function runAfter(generation: Promise<unknown>, context: CommitContext): Promise<void> {
  return generation.then(() => run(context));
}

function recoverLater(writing: Promise<void>, context: CommitContext): Promise<void> {
  return writing.catch((error) => recover(context, error));
}

/** @throws Whatever the commit has failed with, unless the session was ended elsewhere. */
function recover(context: CommitContext, error: unknown): void {
  const { state, pending, options } = context;
  if (error instanceof SessionEndedError && error !== options.change?.error) {
    const isReported = isLogin(context);
    context.interrupt();
    if (!isReported) return;
  } else {
    state.restorePending(pending);
    if (error instanceof SessionLimitError) state.refuseLogin(pending.subject);
  }
  throw error;
}

/**
 * Whether somebody logs in, which must not be lost in silence. What else is changed of a session that ends meanwhile ends
 * with it.
 */
function isLogin({ state, pending, options }: CommitContext): boolean {
  if (!options.keepChanges || options.change) return false;
  return Boolean(pending.subject) || pending.regenerate === true && state.hasChanged();
}

function write(context: CommitContext): Awaitable<void> {
  const { state, options, pending, inner } = context;
  const { keepChanges, change } = options;
  change?.begin();
  const base = state.base();
  const shown = keepChanges ? state.shown() : base;
  const mine = !keepChanges || change
    ? shown
    : context.held ?? state.contents(options.consumeFlash);
  if (inner === "ended") {
    throw new SessionEndedError("Cannot commit session: it has ended; log in again");
  }
  const current = inner ?? state.stored;
  if (current) {
    const versions = { base, shown, mine, theirs: base, newer: shown };
    if (!inner) return overwrite(context, { versions, current });
    state.leaveCookieToInner();
    return overwriteOther(context, { versions, current });
  }
  const filled = Boolean(pending.subject) || !sameContents(mine, base);
  if (options.storeEmpty || keepChanges && filled) return create(context, mine);
  // It is asked for again when there is something to store.
  state.restorePending(pending);
}

/** Whether there is nothing to commit. */
function isIdle(
  { clock, expiry, rotation, store }: CommitConfig,
  held: Contents | undefined,
  options: CommitOptions,
): boolean {
  const { state } = options;
  const { pending, stored: current } = state;
  if (options.storeEmpty || pending.regenerate) return false;
  // Changes are not kept.
  if (!held) return true;
  if (pending.renew) return false;
  if (current) {
    const { record } = current;
    const now = clock();
    if (record.predecessor !== undefined && !state.wasRotated) return false;
    const request = options.cookieDelivery ? { cookieDelivery: options.cookieDelivery } : state;
    if (expiry.rolling && isRenewalDue(expiry, record, { now, request })) return false;
    if (store.outdated(record)) return false;
    if (rotation && isRotating(rotation, current, { options, now })) return false;
    if (changesRecord(pending, record)) return false;
  } else if (pending.subject) return false;
  return sameContents(held, state.base());
}
