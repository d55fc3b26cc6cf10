import { SessionEndedError, SessionLimitError } from "../errors.ts";
import { type Contents, sameContents } from "../record/contents.ts";
import { isRenewalDue } from "../record/expiry.ts";
import { isDifferent, NOTHING, type Requested } from "../record/pending_changes.ts";
import type { SessionState } from "../session/session_state.ts";
import { andThen, type Awaitable, isPromiseLike, orElse } from "../util/awaitable.ts";
import type { Committing } from "./context.ts";
import { create } from "./create.ts";
import { interrupt } from "./end.ts";
import { isRotating, overwrite, overwriteOther } from "./overwrite.ts";
import type { CommitOptions, WriteOptions } from "./plan.ts";

/**
 * Brings the store in line with a session: a create, an update, a replacement, a touch or nothing.
 *
 * At once where the store answers at once.
 *
 * @throws {SessionSerializationError} When a value would not survive JSON.
 */
export function commit(
  committing: Committing,
  state: SessionState,
  options: CommitOptions,
  c: unknown,
): Awaitable<void> {
  if (state.status !== "live") return;
  const held = options.keepChanges ? state.contents(options.consumeFlash) : undefined;
  const idle = isIdle(committing, state, held, options);
  if (idle && !state.deliver) return;
  return andThen(options.inner?.innerCommit(), (inner) => {
    if (idle && !inner) return;
    return commitInTurn(committing, state, { ...options, held, inner }, c);
  });
}

/** Commits when the commits of other requests that came before are done. */
function commitInTurn(
  committing: Committing,
  state: SessionState,
  { held, ...options }: Omit<WriteOptions, "requested">,
  c: unknown,
): Awaitable<void> {
  const run = (): Awaitable<void> => {
    if (state.status !== "live") return;
    const requested = state.requested;
    const generation = options.keepChanges ? requested.subject?.generation.get() : undefined;
    if (isPromiseLike(generation)) return generation.then(run);
    state.requested = NOTHING;
    return orElse(() => write(committing, state, { ...options, requested, held }, c), (error) => {
      if (error instanceof SessionEndedError) {
        const isTold = options.keepChanges && isLogin(state, requested);
        interrupt(committing, state, c);
        if (!isTold) return;
      } else {
        state.requested = { ...requested, ...state.requested };
        if (error instanceof SessionLimitError) state.refused = requested.subject;
      }
      throw error;
    });
  };
  const running = committing.queue.run(state.stored?.key ?? state, run);
  // If it has to wait, it looks again.
  held = undefined;
  return running;
}

/**
 * Whether somebody logs in, which must not be lost in silence. What else is changed of a session that ends meanwhile ends
 * with it.
 */
function isLogin(state: SessionState, { subject, regenerate }: Requested): boolean {
  return Boolean(subject) || regenerate === true && state.hasChanged();
}

function write(
  committing: Committing,
  state: SessionState,
  options: WriteOptions,
  c: unknown,
): Awaitable<void> {
  const base = state.base();
  const mine = options.keepChanges ? options.held ?? state.contents(options.consumeFlash) : base;
  const shown = options.keepChanges ? state.shown() : base;
  const { requested, inner } = options;
  if (inner === "ended") {
    throw new SessionEndedError("Cannot commit session: it has ended; log in again");
  }
  const current = inner ?? state.stored;
  if (current) {
    const versions = { base, shown, mine, theirs: base, newer: shown };
    const attempt = { options, versions, current };
    if (!inner) return overwrite(committing, state, attempt, c);
    // The response sends its token already.
    state.deliver = false;
    return overwriteOther(committing, state, attempt, c);
  }
  const filled = Boolean(requested.subject) || !sameContents(mine, base);
  if (!options.storeEmpty && !(options.keepChanges && filled)) {
    // It is asked for as soon as there is something to store.
    state.requested = requested;
    return;
  }
  return create(committing, state, { contents: mine, requested }, c);
}

/** Whether there is nothing to commit. */
function isIdle(
  committing: Committing,
  state: SessionState,
  held: Contents | undefined,
  options: CommitOptions,
): boolean {
  const { clock, expiry, store } = committing;
  if (options.storeEmpty || state.requested.regenerate) return false;
  // Changes are not kept.
  if (!held) return true;
  if (state.requested.renew) return false;
  const current = state.stored;
  if (current) {
    const { record } = current;
    const now = clock();
    if (record.predecessor !== undefined && !state.hasMoved) return false;
    if (
      isRenewalDue(expiry, record, {
        now,
        request: options.reach ? { reach: options.reach } : state,
      }) || store.outdated(record)
    ) {
      return false;
    }
    if (isRotating(committing, { state, options, current, now })) return false;
    if (isDifferent(state.requested, record)) return false;
  } else if (state.requested.subject) return false;
  return sameContents(held, state.base());
}
