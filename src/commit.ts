import { type Committing, interrupt, readContents, reread } from "./committing.ts";
import { SessionEndedError, SessionLimitError, SessionStoreError } from "./errors.ts";
import {
  type Contents,
  contentsOf,
  mergeContents,
  sameContents,
  withContents,
} from "./contents.ts";
import { emit } from "./events.ts";
import { isLive, isRenewalDue, renewed } from "./expiry.ts";
import { type CommitOptions, isDifferent, plan, withRequested, type WriteOptions } from "./plan.ts";
import type { SessionRecord } from "./record.ts";
import { admit, evict } from "./limit.ts";
import { isRotationDue } from "./rotation.ts";
import { NOTHING, type Requested, type SessionState, type Stored } from "./session_state.ts";
import { makeHome, put, rotateTo } from "./write.ts";

/** How often a commit is tried against the writes of other requests. */
const COMMIT_TRIES = 5;
/** How often a new token is made when its key is taken, which has no chance of happening by chance. */
const CREATE_TRIES = 3;

/**
 * Brings the store in line with a session: a create, an update, a replacement, a touch or nothing.
 *
 * @returns When it is done; nothing when there is nothing to do.
 * @throws {SessionSerializationError} When a value would not survive JSON.
 */
export function commit(
  committing: Committing,
  state: SessionState,
  options: CommitOptions,
  c: unknown,
): Promise<void> | undefined {
  if (state.status !== "live") return undefined;
  const held = options.keepChanges ? state.contents(options.consumeFlash) : undefined;
  if (isIdle(committing, state, held, options)) return undefined;
  return commitInTurn(committing, state, { ...options, held }, c);
}

/** Commits when the commits of other requests that came before are done. */
function commitInTurn(
  committing: Committing,
  state: SessionState,
  { held, ...options }: CommitOptions & Pick<WriteOptions, "held">,
  c: unknown,
): Promise<void> {
  const running = committing.queue.run(state.stored?.key ?? state, async () => {
    if (state.status !== "live") return;
    const requested = state.requested;
    state.requested = NOTHING;
    try {
      await write(committing, state, { ...options, requested, held }, c);
    } catch (error) {
      // All sessions of its subject were ended since it became the subject's.
      if (error instanceof SessionEndedError) return interrupt(committing, state, c);
      state.requested = { ...requested, ...state.requested };
      if (error instanceof SessionLimitError) state.refused = requested.subject;
      throw error;
    }
  });
  // If it has to wait, it looks again.
  held = undefined;
  return running;
}

async function write(
  committing: Committing,
  state: SessionState,
  options: WriteOptions,
  c: unknown,
): Promise<void> {
  const base = state.base();
  const mine = options.keepChanges ? options.held ?? state.contents(options.consumeFlash) : base;
  const shown = options.keepChanges ? state.shown() : base;
  if (!state.stored) {
    const filled = Boolean(options.requested.subject) || !sameContents(mine, base);
    if (!options.storeEmpty && !(options.keepChanges && filled)) {
      // It is asked for as soon as there is something to store.
      state.requested = options.requested;
      return;
    }
    await admit(committing, options.requested, undefined, c);
    return await create(committing, state, { contents: mine, requested: options.requested }, c);
  }
  let current = state.stored;
  let theirs = base;
  let newer = shown;
  for (let tries = 1;; tries++) {
    const now = committing.clock();
    // What has ended as far as this request knows, another may have renewed.
    if (isLive(committing.expiry, current.record, now)) {
      const contents = mergeContents({ base, shown, mine, theirs, newer });
      const rotate = isRotating(committing, { state, options, current, now });
      const next = plan(committing, { current, contents, theirs, options, now, rotate });
      if (!next) return settle(state, current, { contents, mine });
      if (options.keepChanges && committing.limit) {
        await admit(committing, options.requested, current.record, c);
      }
      const stored = next.operation === "rotate"
        ? await rotateTo(committing, { current, record: next.record, now }, c)
        : await put(committing, { current, ...next }, c);
      if (stored) {
        state.deliver ||= next.deliver || stored.token !== current.token;
        settle(state, stored, { contents, mine });
        const event = { sid: state.sid };
        if (next.operation === "replace") emit(committing, "regenerated", event, c);
        if (next.operation === "rotate") emit(committing, "rotated", event, c);
        if (next.renewal) emit(committing, "renewed", event, c);
        if (stored.record.subject !== current.record.subject) await evict(committing, state, c);
        return;
      }
    }
    const fresh = await reread(committing, state, { current, tries, most: COMMIT_TRIES }, c);
    if (!fresh) return interrupt(committing, state, c);
    current = fresh;
    theirs = contentsOf(fresh.record);
    newer = options.keepChanges && committing.readData
      ? await readContents(committing, fresh.record, c)
      : theirs;
  }
}

/** Whether this request gives its session a new token: not if the session has just got one. */
function isRotating(
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

async function create(
  committing: Committing,
  state: SessionState,
  { contents, requested }: { contents: Contents; requested: Requested },
  c: unknown,
): Promise<void> {
  const now = committing.clock();
  const begun: SessionRecord = {
    format: 1,
    sid: state.sid,
    version: 1,
    // A stateless store binds its tokens to the cookie itself.
    ...(committing.store.capabilities.stateless ? {} : { cookieName: committing.cookieName }),
    ...(committing.scope ? { scope: committing.scope(c) } : {}),
    data: "{}",
    createdAt: now,
    lastSeenAt: now,
    renewedAt: now,
    expiresAt: now,
  };
  const lasting = withRequested(withContents(begun, contents), requested);
  const record = { ...lasting, ...renewed(committing.expiry, lasting, now) };
  for (let tries = 0; tries < CREATE_TRIES; tries++) {
    const { token, key } = await makeHome(committing.store);
    const written = await committing.store.create(key, record, c);
    if (written === false) continue;
    const stored = typeof written === "string"
      ? { token: written, key: written, record }
      : { token, key, record };
    state.deliver = true;
    state.adopt(stored, contents);
    emit(committing, "created", { sid: state.sid }, c);
    await evict(committing, state, c);
    // Ended while it was being stored.
    if (state.status !== "live") await committing.store.delete(stored.key, c);
    return;
  }
  throw new SessionStoreError(
    `Cannot create session: the store held a session under ${CREATE_TRIES} new keys`,
  );
}

function settle(
  state: SessionState,
  stored: Stored,
  { contents, mine }: { contents: Contents; mine: Contents },
): void {
  state.adopt(stored, contents);
  state.keepFlash(mine, contents);
  state.show(contents, mine);
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
    if (isRenewalDue(expiry, record, { now }) || store.outdated(record)) return false;
    if (isRotating(committing, { state, options, current, now })) return false;
    if (isDifferent(state.requested, record)) return false;
  } else if (state.requested.subject) return false;
  return sameContents(held, state.base());
}
