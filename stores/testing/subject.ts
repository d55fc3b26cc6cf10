import type { SessionRecord } from "../../src/record/record.ts";
import type { ListedSession, SessionStore } from "../../src/store/contract.ts";
import {
  type CaseNeeds,
  type ConformanceClock,
  makeRecord,
  rejects,
  same,
  server,
  written,
} from "./case.ts";

/** Requires a store that lists the sessions of a subject. */
export function indexed(given: CaseNeeds): string | undefined {
  return server(given) ?? (given.index ? undefined : "the store has no index");
}

/** Makes a subject that no other case uses. */
export function makeSubject(): string {
  return `user:${crypto.randomUUID()}`;
}

/** Makes the record of another session that is bound to a subject now. */
export function makeBound(
  clock: ConformanceClock,
  subject: string,
  changes: Partial<SessionRecord> = {},
): SessionRecord {
  const sid = crypto.randomUUID().replaceAll("-", "").slice(0, 22);
  return makeRecord(clock, { sid, subject, subjectAt: clock.now(), ...changes });
}

/** Returns the record after a write that cleared its subject. */
export function unbound(
  { subject: _, subjectAt: __, generation: ___, ...record }: SessionRecord,
): SessionRecord {
  return { ...record, version: record.version + 1 };
}

/** Reads a whole list. */
export async function listed(store: SessionStore, subject: string): Promise<ListedSession[]> {
  const sessions: ListedSession[] = [];
  for await (const session of store.list!(subject)) sessions.push(session);
  return sessions;
}

/** Asserts that exactly these keys are listed, each once. */
export async function lists(
  store: SessionStore,
  subject: string,
  keys: readonly string[],
  what: string,
): Promise<void> {
  const found = await listed(store, subject);
  same(found.map(({ key }) => key).sort(), [...keys].sort(), `the list ${what}`);
}

/** Checks whether an error is that of a login after all sessions of the subject were ended. */
export function isEnded(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ERR_SESSION_ENDED";
}

/** Asserts that a write is refused because all sessions of the subject were ended. */
export function refuses(run: () => unknown, what: string): Promise<void> {
  return rejects(run, isEnded, what);
}

/** The differences of clocks, in milliseconds. */
export const SKEWS: readonly number[] = [60_000, -60_000];

/** The members of a record that a login sets. */
export type Login = Required<Pick<SessionRecord, "subject" | "subjectAt" | "generation">>;

/** Starts a login now, by a clock that may be ahead. */
export async function beginLogin(
  store: SessionStore,
  subject: string,
  subjectAt: number,
): Promise<Login> {
  return { subject, subjectAt, generation: await store.generation!(subject) };
}

/** Returns the record after a login. */
export function loggedIn(record: SessionRecord, login: Partial<Login>): SessionRecord {
  return { ...written(record, '{"logged":"in"}'), ...login };
}
