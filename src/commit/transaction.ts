import { emit } from "../events.ts";
import { type Contents, contentsOf, withContents } from "../record/contents.ts";
import { copyValue } from "../record/deep_copy.ts";
import { isSameJson } from "../record/deep_equal.ts";
import { isRenewalDue, renewed, seen } from "../record/expiry.ts";
import { JsonObject } from "../record/json_object.ts";
import { merge } from "../record/merge.ts";
import type { SessionRecord } from "../record/record.ts";
import { pathOf, serializeValue } from "../record/serialize.ts";
import { refuseEnded } from "../session/ended_session.ts";
import type { SessionState } from "../session/session_state.ts";
import { setProperty } from "../util/property.ts";
import { commit } from "./commit.ts";
import { type Committing, tellUpdated } from "./context.ts";
import { interrupt } from "./end.ts";
import { withNewToken } from "./plan.ts";
import { readContents, reread, Retry } from "./retry.ts";
import { put } from "./write.ts";

/** A change of one key. */
interface Change {
  readonly key: string;
  change(value: unknown): unknown;
}

/** Changes one key of a session as a transaction, and returns the committed value. */
export async function update(
  committing: Committing,
  state: SessionState,
  { key, change }: Change,
  c: unknown,
): Promise<unknown> {
  const { atomic } = committing.store.capabilities;
  const isStored = atomic && state.stored !== undefined;
  if (isStored && await updateStored(committing, state, { key, change }, c)) {
    return valueOf(state, key);
  }
  // Where the commit starts over, only what this request has put in counts.
  const isOwn = !isStored || isAssigned(state, key);
  const value = copyValue(change(isOwn ? valueOf(state, key) : undefined));
  state.assertLive("update");
  // An assignment, which is noted after regenerate().
  if (Object.hasOwn(state.session, key)) Reflect.set(state.session, key, value);
  else setProperty(state.session, key, value);
  // A plain change is committed with the answer, if that is still to come.
  if (atomic || state.isCommitted) {
    await commit(committing, state, { keepChanges: true, consumeFlash: false }, c);
    state.assertLive("update");
  }
  return valueOf(state, key);
}

/**
 * Changes one key of a session that is stored on a server.
 *
 * @returns `false` when a parallel request has given the session another token and this one asked for one as well, so that
 * its commit starts over.
 */
async function updateStored(
  committing: Committing,
  state: SessionState,
  { key, change }: Change,
  c: unknown,
): Promise<boolean> {
  const { expiry, rotation } = committing;
  return await committing.queue.run(state.stored!.key, async () => {
    state.assertLive("update");
    state.view.unflash(key);
    const assigned = isAssigned(state, key);
    const mine = state.contents(false).data.members.get(key);
    let current = state.stored!;
    let contents = state.shown();
    let retry: Retry | undefined;
    for (;;) {
      const text = assigned ? mine : contents.data.members.get(key);
      const value = change(text === undefined ? undefined : JSON.parse(text));
      const data = new Map(contents.data.members);
      if (value === undefined) data.delete(key);
      else data.set(key, serializeValue(value, pathOf("session", key)));
      const flash = new Map(contents.flash.members);
      flash.delete(key);
      const next: Contents = {
        data: JsonObject.ofMembers(data),
        flash: JsonObject.ofMembers(flash),
      };
      const old = current.record;
      const now = committing.clock();
      const live = state.isLiveFor(old, now);
      // Whoever knows the token until now must not find what is put in after `regenerate()`.
      const { regenerate } = state.requested;
      // Nobody could be told of the token that the session would get.
      if (regenerate && state.isLate) return false;
      // Or it would undo the touch of another request.
      const renewal = isRenewalDue(expiry, old, { now, write: true, request: state });
      const updated: SessionRecord = {
        ...withContents(old, next),
        version: old.version + 1,
        ...(renewal
          ? renewed(expiry, old, { now, isSent: state.reach === "sure" })
          : { lastSeenAt: seen(old, now) }),
      };
      const record = regenerate
        ? withNewToken(updated, { current, rotation, rotate: false, now })
        : updated;
      const operation = regenerate ? "replace" : "update";
      const stored = live && await put(committing, { current, now, operation, record }, c);
      if (stored) {
        const before = state.contents(false);
        const shown = merge(state.shown().data.members, before.data.members, data);
        if (value === undefined) shown.delete(key);
        else shown.set(key, data.get(key)!);
        state.adopt(stored);
        state.show({ ...before, data: JsonObject.ofMembers(shown) }, before);
        state.deliver ||= regenerate === true || renewal && state.reach !== "none";
        if (regenerate) {
          const { regenerate: _, ...requested } = state.requested;
          state.requested = requested;
          emit(committing, "regenerated", { sid: state.sid }, c);
        }
        if (renewal) emit(committing, "renewed", { sid: state.sid }, c);
        tellUpdated(committing, state, { before: contentsOf(old).data, now: next.data }, c);
        return true;
      }
      retry ??= new Retry(committing.store.timeout);
      const fresh = await reread(committing, state, { current, retry }, c);
      if (fresh === "replaced" && state.requested.regenerate) return false;
      if (typeof fresh === "string") {
        interrupt(committing, state, c);
        return refuseEnded("update");
      }
      current = fresh;
      contents = await readContents(committing, fresh.record, c);
    }
  });
}

/** The value of a key. Every object has members that nobody has put in. */
function valueOf({ session }: SessionState, key: string): unknown {
  return Object.hasOwn(session, key) ? Reflect.get(session, key) : undefined;
}

/** Whether this request has changed a key, or is known to have assigned to it. */
function isAssigned(state: SessionState, key: string): boolean {
  if (state.view.assigned.has(key)) return true;
  const mine = state.contents(false).data.members.get(key);
  return !isSameJson(mine, state.shown().data.members.get(key));
}
