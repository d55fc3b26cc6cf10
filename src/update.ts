import { type Contents, contentsOf, withContents } from "./contents.ts";
import { commit } from "./commit.ts";
import { copyValue } from "./copy.ts";
import { type Committing, interrupt, readContents, reread, tellUpdated } from "./committing.ts";
import { refuseEnded } from "./ended.ts";
import { emit } from "./events.ts";
import { isRenewalDue, renewed, seen } from "./expiry.ts";
import { JsonObject } from "./json_object.ts";
import { merge } from "./merge.ts";
import type { SessionRecord } from "./record.ts";
import { Retry } from "./retry.ts";
import { pathOf, serializeValue } from "./serialize.ts";
import { isSameJson, setProperty } from "./json_value.ts";
import type { SessionState } from "./session_state.ts";

/** Changes one key of a session as a transaction, and returns the committed value. */
export async function update(
  committing: Committing,
  state: SessionState,
  { key, change }: { key: string; change: (value: unknown) => unknown },
  c: unknown,
): Promise<unknown> {
  const { session } = state;
  // Every object has members that nobody has put in.
  const own = (): unknown => Object.hasOwn(session, key) ? Reflect.get(session, key) : undefined;
  const { expiry } = committing;
  if (!committing.store.capabilities.atomic || !state.stored) {
    const value = copyValue(change(own()));
    state.assertLive("update");
    setProperty(session, key, value);
    if (committing.store.capabilities.atomic) {
      await commit(committing, state, { keepChanges: true, consumeFlash: false }, c);
      state.assertLive("update");
    }
    return own();
  }
  return await committing.queue.run(state.stored.key, async () => {
    state.assertLive("update");
    state.view.unflash(key);
    const mine = state.contents(false).data.members.get(key);
    const assigned = !isSameJson(mine, state.shown().data.members.get(key));
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
      // Or it would undo the touch of another request.
      const renewal = isRenewalDue(expiry, old, { now, write: true, request: state });
      const record: SessionRecord = {
        ...withContents(old, next),
        version: old.version + 1,
        ...(renewal
          ? renewed(expiry, old, { now, isSent: state.reach === "sure" })
          : { lastSeenAt: seen(old, now) }),
      };
      if (live && await committing.store.update(current.key, record, old, c)) {
        const before = state.contents(false);
        const shown = merge(state.shown().data.members, before.data.members, data);
        if (value === undefined) shown.delete(key);
        else shown.set(key, data.get(key)!);
        state.adopt({ ...current, record });
        state.show({ ...before, data: JsonObject.ofMembers(shown) }, before);
        state.deliver ||= renewal && state.reach !== "none";
        if (renewal) emit(committing, "renewed", { sid: state.sid }, c);
        tellUpdated(committing, state, { before: contentsOf(old).data, now: next.data }, c);
        return own();
      }
      retry ??= new Retry(committing.store.timeout);
      const fresh = await reread(committing, state, { current, retry }, c);
      if (typeof fresh === "string") {
        interrupt(committing, state, c);
        return refuseEnded("update");
      }
      current = fresh;
      contents = await readContents(committing, fresh.record, c);
    }
  });
}
