import type { BoundedStore } from "./bounded_store.ts";
import { type Committing, interrupt, reread } from "./committing.ts";
import { SessionStoreError } from "./errors.ts";
import { type Contents, contentsOf, contentsToRecord, sameContents } from "./contents.ts";
import { emit } from "./events.ts";
import { isLive, isRenewalDue, renewed, seen } from "./expiry.ts";
import { merge, mergeFlash } from "./merge.ts";
import type { SessionRecord } from "./record.ts";
import type { Requested, SessionState, Stored } from "./session_state.ts";
import { hashToken, makeToken } from "./token.ts";

/** How often a commit is tried against the writes of other requests. */
const COMMIT_TRIES = 5;
/** How often a new token is made when its key is taken, which has no chance of happening by chance. */
const CREATE_TRIES = 3;

/** What of a session is committed. */
export interface CommitOptions {
  /** Whether changes of data, and renewals, are kept; `regenerate()` always is. */
  readonly keepChanges: boolean;
  /** Whether what the request before flashed has had its day. */
  readonly consumeFlash: boolean;
  /** Whether a new session is stored although nothing was put into it. */
  readonly storeEmpty?: boolean;
}

/** Brings the store in line with a session: a create, an update, a replacement, a touch or nothing. */
export async function commit(
  committing: Committing,
  state: SessionState,
  options: CommitOptions,
  c: unknown,
): Promise<void> {
  if (state.status !== "live") return;
  if (isIdle(committing, state, options)) return;
  await committing.queue.run(state.stored?.key ?? state, async () => {
    if (state.status !== "live") return;
    const requested = state.requested;
    state.requested = {};
    try {
      await write(committing, state, { ...options, requested }, c);
    } catch (error) {
      state.requested = { ...requested, ...state.requested };
      throw error;
    }
  });
}

type WriteOptions = CommitOptions & { readonly requested: Requested };

async function write(
  committing: Committing,
  state: SessionState,
  options: WriteOptions,
  c: unknown,
): Promise<void> {
  const base = state.base();
  const mine = options.keepChanges ? state.contents(options.consumeFlash) : base;
  if (!state.stored) {
    const filled = Boolean(options.requested.subject) || !sameContents(mine, base);
    if (options.storeEmpty || options.keepChanges && filled) {
      await create(committing, state, { contents: mine, requested: options.requested }, c);
    }
    return;
  }
  let current = state.stored;
  let theirs = base;
  for (let tries = 1;; tries++) {
    const now = committing.clock();
    if (!isLive(committing.expiry, current.record, now)) return interrupt(committing, state, c);
    const contents = {
      data: merge(base.data, mine.data, theirs.data),
      flash: mergeFlash(base.flash, mine.flash, theirs.flash),
    };
    const next = plan(committing, { current, contents, theirs, options, now });
    if (!next) return settle(state, current, { contents, mine });
    const stored = await put(committing, { current, ...next }, c);
    if (stored) {
      state.deliver ||= next.renewal || stored.token !== current.token;
      settle(state, stored, { contents, mine });
      const event = { sid: state.sid };
      if (next.operation === "replace") emit(committing, "regenerated", event, c);
      if (next.renewal) emit(committing, "renewed", event, c);
      return;
    }
    const fresh = await reread(committing, state, { current, tries, most: COMMIT_TRIES }, c);
    if (!fresh) return interrupt(committing, state, c);
    current = { ...current, record: fresh };
    theirs = contentsOf(fresh);
  }
}

interface Plan {
  readonly operation: "update" | "replace" | "touch";
  readonly record: SessionRecord;
  readonly renewal: boolean;
}

/** What is to be written over the record that the store holds now; nothing when there is no need. */
function plan(
  { expiry, store }: Committing,
  { current, contents, theirs, options, now }: {
    current: Stored;
    contents: Contents;
    theirs: Contents;
    options: WriteOptions;
    now: number;
  },
): Plan | undefined {
  const { requested, keepChanges } = options;
  const old = current.record;
  const lifetime = keepChanges && ("maxAge" in requested || "browser" in requested);
  const renewal = keepChanges && (requested.renew === true || isRenewalDue(expiry, old, now));
  const subject = keepChanges && isOtherSubject(requested, old);
  const changed = lifetime || subject || store.outdated(old) || !sameContents(contents, theirs);
  if (!changed && !renewal && !requested.regenerate) return undefined;

  const kept = lifetime ? withLifetime(old, requested) : old;
  const { flash: _, ...rest } = subject ? withSubject(kept, requested, now) : kept;
  const record: SessionRecord = {
    ...rest,
    ...contentsToRecord(contents),
    ...(renewal ? renewed(expiry, rest, now) : { lastSeenAt: seen(old, now) }),
  };
  // What was asked for must not be undone by a touch under way; the other one is told by the version.
  if (!changed && !requested.regenerate && !requested.renew) {
    return { operation: "touch", record, renewal };
  }
  return {
    operation: requested.regenerate ? "replace" : "update",
    record: { ...record, version: old.version + 1 },
    renewal,
  };
}

/** Does what was planned; `undefined` when the record is gone or another one by now. */
async function put(
  { store }: Committing,
  { current, operation, record }: { current: Stored } & Omit<Plan, "renewal">,
  c: unknown,
): Promise<Stored | undefined> {
  let { token, key } = current;
  if (operation === "replace") ({ token, key } = await makeHome(store));
  const written = operation === "touch"
    ? await store.touch(key, times(record), current.record, c)
    : operation === "update"
    ? await store.update(key, record, current.record, c)
    : await store.replace(current.key, { key, record }, current.record, c);
  if (written === false) return undefined;
  return typeof written === "string"
    ? { token: written, key: written, record }
    : { token, key, record };
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
    ...contentsToRecord(contents),
    createdAt: now,
    lastSeenAt: now,
    renewedAt: now,
    expiresAt: now,
  };
  const lasting = withSubject(withLifetime(begun, requested), requested, now);
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
  state.show(contents, mine);
}

/** A new token, and the key under which its session is kept. */
async function makeHome(store: BoundedStore): Promise<{ token: string; key: string }> {
  const token = makeToken();
  return { token, key: store.capabilities.stateless ? token : await hashToken(token) };
}

function withLifetime(record: SessionRecord, { maxAge, browser }: Requested): SessionRecord {
  const { maxAge: oldMaxAge, browser: oldBrowser, ...rest } = record;
  const seconds = maxAge ?? oldMaxAge;
  return {
    ...rest,
    ...(seconds === undefined ? {} : { maxAge: seconds }),
    ...(browser ?? oldBrowser ? { browser: true } : {}),
  };
}

function withSubject(
  record: SessionRecord,
  { subject }: Requested,
  now: number,
): SessionRecord {
  if (subject === undefined) return record;
  const { subject: _, subjectAt: __, ...rest } = record;
  return subject === null ? rest : { ...rest, subject, subjectAt: now };
}

function isOtherSubject({ subject }: Requested, record: SessionRecord): boolean {
  return subject !== undefined && subject !== (record.subject ?? null);
}

function times({ lastSeenAt, renewedAt, expiresAt }: SessionRecord) {
  return { lastSeenAt, renewedAt, expiresAt };
}

/** Whether there is nothing to do. */
function isIdle(
  { clock, expiry, store }: Committing,
  state: SessionState,
  { keepChanges, consumeFlash, storeEmpty }: CommitOptions,
): boolean {
  if (storeEmpty || state.requested.regenerate) return false;
  if (!keepChanges) return true;
  if (state.requested.renew) return false;
  const record = state.stored?.record;
  if (record) {
    if (isRenewalDue(expiry, record, clock()) || store.outdated(record)) return false;
    if (isOtherSubject(state.requested, record)) return false;
  } else if (state.requested.subject) return false;
  return sameContents(state.contents(consumeFlash), state.base());
}
