import {
  SessionConflictError,
  SessionEndedError,
  type SessionManager,
  type SessionOptions,
  type SessionStore,
  SessionStoreError,
  startSession,
} from "@x/hono-session";
import type { CookieStore } from "@x/hono-session/stores/cookie";
import type { Context } from "hono";
import type { Model } from "./model.ts";
import { confirmationBy } from "./model_confirmations.ts";
import { check } from "./model_history.ts";
import { SUBJECT } from "./model_memory.ts";
import type { Op, Visit } from "./model_visit.ts";

/** A fault that is put into sessions, for the model to find. */
export interface SessionBug {
  readonly options?: Pick<SessionOptions, "commitOnError">;
  /** Members of the cookie store; `blind` is one that knows of no end. */
  readonly cookies?: (store: CookieStore, blind: CookieStore) => Partial<SessionStore>;
  /** Whether it doesn't see what is no page. */
  readonly isBlind?: boolean;
  /** In the place of `discard()`. */
  readonly discard?: (session: Loose) => void;
  /** Done to the session before a handler refuses. */
  readonly refusing?: (session: Loose) => void;
}

/** A session as programs use it. */
export type Loose = Record<string, unknown> & {
  isNew: boolean;
  sid: string;
  subject: string | undefined;
  readonly confirmations: Readonly<Record<string, Date>>;
  confirm(method: string): void;
  destroy(): void;
  renew(): void;
  regenerate(): Promise<void>;
  save(): Promise<void>;
  flash(key: string, value: unknown): void;
  discard(): void;
  update(key: string, change: (value: number) => number): Promise<number>;
};

/** What a session shows: a JSON text per key. */
export function shownBy(session: Loose): Record<string, string> {
  const { subject, confirmations } = session;
  const confirmed = Object.entries(confirmations).map(([method, time]) => [
    confirmationBy(method),
    time.getTime(),
  ]);
  const all = {
    ...session,
    ...(subject === undefined ? {} : { subject }),
    ...Object.fromEntries(confirmed),
  };
  return Object.fromEntries(
    Object.entries(all).map(([key, value]) => [key, JSON.stringify(value)]),
  );
}

/** The session of a request as it is now. */
export function sessionOf(c: Context): Loose {
  return c.get("session") as Loose;
}

/** What the handler of a request works with. */
export interface Handling {
  readonly model: Model;
  readonly visit: Visit;
  /** What it writes. */
  readonly value: number;
  /** The time by the clock of its process, in epoch milliseconds. */
  readonly now: number;
  readonly bug: SessionBug;
  readonly manager: SessionManager<Record<string, unknown>>;
}

/** Does something to the session of a request, and takes note of what it was told of it. */
export async function act(c: Context, op: Op, handling: Handling): Promise<void> {
  const { model, visit, value, bug } = handling;
  const session = sessionOf(c);
  const { sid, isNew } = session;
  const change = (key: string) =>
    visit.changes.push({ sid, key, value: JSON.stringify(session[key]), place: model.place() });
  switch (op.do) {
    case "set":
      session[op.key] = value;
      return void change(op.key);
    case "delete":
      if (!Object.hasOwn(session, op.key)) return;
      delete session[op.key];
      return void change(op.key);
    case "nest":
      if (session[op.key]) (session[op.key] as number[]).push(value);
      else session[op.key] = [value];
      return void change(op.key);
    case "increment":
      return await increment(session, handling);
    case "confirm": {
      session.confirm(op.method);
      const shown = session.confirmations[op.method]?.getTime() ?? -Infinity;
      check(shown >= handling.now, "what was confirmed does not show");
      const key = confirmationBy(op.method);
      const subject = JSON.stringify(session.subject);
      const value = String(handling.now);
      return void visit.changes.push({ sid, key, value, subject, place: model.place() });
    }
    case "bind": {
      const list = session.subject === op.subject ? visit.assigned : visit.changes;
      if (!bind(session, op.subject, visit)) return;
      const value = JSON.stringify(op.subject);
      return void list.push({ sid, key: SUBJECT, value, place: model.place() });
    }
    case "revokeAll":
      return await revokeAll(c, op, handling);
    case "revokeEverything": {
      if (model.inCookies) return;
      const end = model.subjects.ending(visit);
      await handling.manager.revokeEverything({ c });
      return model.subjects.ended(end, "done");
    }
    case "list": {
      const begin = model.place();
      const listed = await Array.fromAsync(handling.manager.list(op.subject, { c }));
      return model.subjects.listed(op.subject, listed.map(({ sid }) => sid), begin);
    }
    case "flash":
      session.flash("notice", value);
      return void visit.flashed.push({
        sid,
        key: "notice",
        value: String(value),
        place: model.place(),
      });
    case "renew":
      session.renew();
      return void visit.renewals.push({ sid, isSaved: false });
    case "regenerate":
      await session.regenerate();
      if (isNew) return;
      visit.regenerated.push(sid);
      visit.unsavedTokens.add(sid);
      return;
    case "save":
      return await save(session, handling);
    case "discard":
      bug.discard ? bug.discard(session) : session.discard();
      if (!visit.hasEnded) visit.discards(sid);
      return;
    case "destroy":
      session.destroy();
      visit.hasEnded = true;
      if (!isNew) visit.ended.push({ sid, by: "destroy" });
      for (const ended of [session, sessionOf(c)]) {
        check(JSON.stringify(ended) === "{}", "an ended session shows data");
      }
      return;
    case "start": {
      const started = await startSession(c, { a: value });
      visit.hasEnded = false;
      visit.held.add(started.sid);
      const a = { sid: started.sid, key: "a", value: String(value), place: model.place() };
      visit.changes.push(a);
      visit.saves(started.sid, "done");
      if (!isNew) visit.ended.push({ sid, by: "start" });
    }
  }
}

/** Makes a session a subject's. Returns `false` when that is refused, because it was confirmed for another one. */
function bind(session: Loose, subject: string | undefined, visit: Visit): boolean {
  const confirmed = session.subject === subject ? [] : visit.unsavedConfirmations(session.sid);
  const isRefused = confirmed.length > 0 && subject !== undefined;
  try {
    session.subject = subject;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    check(isRefused, error.message);
    return false;
  }
  check(!isRefused, "a session that was confirmed for one subject becomes that of another");
  for (const change of confirmed) change.fate = change.saved ?? "never";
  return true;
}

async function increment(session: Loose, handling: Handling): Promise<void> {
  const { model, visit } = handling;
  const { sid, isNew } = session;
  if (model.inCookies) {
    // There it is a change like any other.
    const count = await session.update("count", (count = 0) => count + 1);
    const change = { sid, key: "count", value: String(count), place: model.place() };
    return void visit.changes.push(change);
  }
  const { increments } = model;
  const increment = increments.increment(visit, sid);
  // It is stored under the new token that was asked for.
  if (visit.regenerated.includes(sid)) visit.saved.add(sid);
  try {
    const count = await session.update("count", (count = 0) => count + 1);
    visit.unsavedTokens.delete(sid);
    increment.sid = follow(session, sid, handling);
    increments.incremented(increment, "done", count);
    if (isNew || session.sid !== sid) visit.saves(session.sid, "done");
  } catch (error) {
    increment.sid = follow(session, sid, handling);
    if (isNew || session.sid !== sid) visit.saves(session.sid, "maybe");
    if (error instanceof SessionEndedError) increments.incremented(increment, "never");
    throw error;
  }
}

async function save(session: Loose, handling: Handling): Promise<void> {
  const { visit } = handling;
  const { sid } = session;
  try {
    await session.save();
    visit.saves(follow(session, sid, handling), "done");
  } catch (error) {
    visit.saves(follow(session, sid, handling), "maybe");
    throw error;
  }
}

/** Takes note of an independent session that has taken the place of another one, and gives the one there is now. */
function follow(session: Loose, before: string, { model, visit }: Handling): string {
  if (session.sid !== before) model.startedOver(visit, before, session.sid);
  return session.sid;
}

async function revokeAll(
  c: Context,
  { subject, keepsOwn }: Op & { do: "revokeAll" },
  { model, visit, manager }: Handling,
): Promise<void> {
  const except = keepsOwn ? sessionOf(c).sid : undefined;
  const end = model.subjects.ending(visit, { subject, except });
  try {
    await manager.revokeAll(subject, { c, ...(except === undefined ? {} : { except }) });
    model.subjects.ended(end, "done");
  } catch (error) {
    model.subjects.ended(end, "maybe");
    throw error;
  }
}

/** Whether an error is what a handler has to reckon with. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof SessionStoreError || error instanceof SessionEndedError ||
    error instanceof SessionConflictError;
}
