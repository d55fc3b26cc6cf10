import { SessionEndedError, SessionLimitError } from "../errors.ts";
import { type Contents, sameContents } from "../record/contents.ts";
import { isRenewalDue } from "../record/renewal.ts";
import { changesRecord, type PendingChanges } from "../record/pending_changes.ts";
import type { StoredSession } from "../record/record.ts";
import { andThen, type Awaitable, isPromiseLike, orElse } from "../util/awaitable.ts";
import {
  type CommitConfig,
  CommitContext,
  type CommitOptions,
  type InnerCommit,
  type Work,
} from "./context.ts";
import { create } from "./create.ts";
import { overwrite, overwriteOther, refuseEnded } from "./overwrite.ts";
import { isRotating } from "./rotation.ts";

/**
 * Brings the store in line with a session by a create, an update, a replacement, a touch, or no operation.
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
  const held = options.onlyToken ? undefined : state.contents(options.consumeFlash);
  const work = workOf(config, held, options);
  if (!work && !state.sendsCookie) return;
  const inner = options.inner?.innerCommit();
  if (!work && !inner) return;
  const context = new CommitContext(config, options, c);
  context.held = held;
  context.work = work;
  return andThen(inner, commitOverInner, context);
}

function commitOverInner(inner: InnerCommit | undefined, context: CommitContext): Awaitable<void> {
  context.inner = inner;
  if (inner || context.work === "changes") return commitInTurn(context);
  if (context.work === "due") return commitDue(context);
}

function commitDue(context: CommitContext): Awaitable<void> {
  const { config, state, options, held } = context;
  return config.renewals.run({
    state,
    cookieDelivery: (options.request ?? state).cookieDelivery,
    rotate: options.rotate === true,
    commit: () => commitInTurn(context),
    isDue: () => workOf(config, held, options) !== undefined,
  });
}

/** Commits after the earlier commits of other requests. */
export function commitInTurn(context: CommitContext): Awaitable<void> {
  const { config, state } = context;
  const running = config.queue.run(state.stored?.key ?? state, run, context);
  // After waiting, the contents are computed again.
  context.held = undefined;
  return running;
}

function run(context: CommitContext): Awaitable<void> {
  const { state, options } = context;
  if (state.status !== "live") return;
  if (options.change || options.onlyToken) {
    context.pending = state.takeRegeneration();
  } else {
    const generation = state.pending.subject?.generation.get();
    if (isPromiseLike(generation)) return generation.then(() => run(context));
    context.pending = state.takePending();
  }
  return orElse(() => write(context), (error) => recover(context, error));
}

/** @throws The error of the commit, unless the session was ended elsewhere. */
function recover(context: CommitContext, error: unknown): void {
  const { state, pending, options } = context;
  if (error instanceof SessionEndedError && error !== options.change?.error) {
    const isReported = isLogin(context);
    context.interrupt();
    if (!isReported) return;
  } else {
    state.restorePending(pending);
    if (error instanceof SessionLimitError) state.refused = pending.subject;
  }
  throw error;
}

/**
 * Checks whether the commit is a login, which must not be lost silently. Other changes of a session that ends
 * in the meantime are dropped with it.
 */
function isLogin({ state, pending, options }: CommitContext): boolean {
  if (options.onlyToken || options.change) return false;
  const { subject, provider, regenerate, confirmed } = pending;
  return Boolean(subject || provider || regenerate && (confirmed || state.hasChanged()));
}

function write(context: CommitContext): Awaitable<void> {
  const { state, options, pending, inner } = context;
  const { onlyToken, change } = options;
  change?.begin();
  const base = context.base = context.theirs = state.base();
  // A commit of the token alone stores no migrated data.
  const shown = context.shown = context.newer = onlyToken ? base : state.shown();
  const mine = onlyToken || change ? shown : context.held ?? state.contents(options.consumeFlash);
  context.mine = mine;
  if (inner === "ended") refuseEnded();
  if (inner) {
    // The response of the inner request sends the cookie.
    state.sendsCookie = false;
    return overwriteOther(context, inner);
  }
  if (state.stored) return overwrite(context, state.stored);
  if (options.storeEmpty || needsStoring(pending) || !sameContents(mine, base)) {
    return create(context, mine);
  }
  // It stays pending until there is something to store.
  state.restorePending(pending);
}

/** Checks whether pending changes are a reason to store a new session. */
function needsStoring({ subject, confirmed, provider }: PendingChanges): boolean {
  return Boolean(subject || provider || confirmed);
}

function workOf(
  config: CommitConfig,
  held: Contents | undefined,
  options: CommitOptions,
): Work | undefined {
  const { state: { pending, stored }, state } = options;
  if (options.storeEmpty || pending.regenerate) return "changes";
  // Changes are not kept.
  if (!held) return undefined;
  const isChanged = pending.renew || !sameContents(held, state.base()) ||
    (stored ? changesRecord(pending, stored.record) : needsStoring(pending));
  if (isChanged) return "changes";
  return stored && isDue(config, stored, options) ? "due" : undefined;
}

/** Checks whether a renewal, a rotation, the end of a rotation, or a rewrite of the record is due. */
function isDue(
  { clock, expiry, rotation, store }: CommitConfig,
  stored: StoredSession,
  options: CommitOptions,
): boolean {
  const { state, request = state } = options;
  const { record } = stored;
  const now = clock();
  return record.predecessor !== undefined && !state.wasRotated ||
    expiry.rolling !== false && isRenewalDue(expiry, record, { now, request }) ||
    store.outdated(record) ||
    rotation !== undefined && isRotating(rotation, stored, { options, now });
}
