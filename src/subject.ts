import type { BoundedStore } from "./bounded_store.ts";
import { SessionConflictError } from "./errors.ts";
import type { ListedSession } from "./store.ts";

/** A session of a subject. */
export interface Listed {
  readonly sid: string;
  readonly record: ListedSession["record"];
  /** Where it is kept: in two places for the moment in which its token is rotated. */
  readonly keys: readonly string[];
}

/** The live sessions of a subject, each once. */
export async function listSubject(
  store: BoundedStore,
  subject: string,
  c: unknown,
): Promise<Listed[]> {
  const sessions = new Map<string, Listed>();
  for (const { key, record } of await store.list(subject, c)) {
    const { sid } = record;
    const keys = [...sessions.get(sid)?.keys ?? [], key];
    sessions.set(sid, { sid, record, keys });
  }
  return [...sessions.values()];
}

/** Since when a session is its subject's, in epoch milliseconds. */
export function since({ subjectAt, createdAt }: ListedSession["record"]): number {
  return subjectAt ?? createdAt;
}

/** How often a session is looked for that gets another token while it is being ended. */
const END_TRIES = 20;

/** Ends a session of a subject, wherever it moves meanwhile; `false` when the subject has none of that name. */
export async function endSessionOf(
  store: BoundedStore,
  { subject, sid }: { subject: string; sid: string },
  c: unknown,
): Promise<boolean> {
  for (let tries = 0; tries < END_TRIES; tries++) {
    const session = (await listSubject(store, subject, c)).find((each) => each.sid === sid);
    if (!session) return tries > 0;
    for (const key of session.keys) await store.delete(key, c);
  }
  throw new SessionConflictError("Cannot end session: it was given a new token too many times");
}
