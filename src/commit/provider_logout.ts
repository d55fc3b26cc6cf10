import { parseProvider } from "../record/provider.ts";
import { GENERATION_KEPT } from "../store/generation_lifetime.ts";
import type { SubjectSession } from "../store/subject_sessions.ts";
import type { CommitConfig } from "./context.ts";
import { endSessionsOf } from "./end.ts";
import { changeMark, type ProviderMark, sessionMark, subjectMark } from "./provider_marks.ts";

/** What an identity provider has ended: one of its sessions, or all sessions of a subject. At least one is given. */
export interface ProviderEnd {
  readonly issuer: string;
  readonly sid: string | undefined;
  readonly subject: string | undefined;
}

/**
 * Ends the sessions that come from an ended session of an identity provider. A login under way is refused: it has read
 * the marks before they are changed here. Every other session was stored before, and its mark leads to it.
 *
 * @throws {SessionConflictError} When other requests were faster too many times.
 * @throws {SessionStoreError} When the store failed. Nothing is lost: the marks still lead to the sessions.
 */
export async function endProviderSessions(
  config: CommitConfig,
  end: ProviderEnd,
  c: unknown,
): Promise<void> {
  const subjects = new Set(end.subject === undefined ? [] : [end.subject]);
  for (const name of namesOf(end)) {
    // The reads of earlier logins come first, whichever connection they use: they must not see this end.
    await config.records.logins.over(name);
    const mark = await changeMark(config, { name, change: (mark) => ended(config, mark) }, c);
    for (const subject of mark.subjects) subjects.add(subject);
  }
  for (const subject of subjects) {
    const choose = (sessions: SubjectSession[]) =>
      sessions.filter((session) => isEnded(end, session));
    await endSessionsOf(config, { subject, choose, reason: "revoked" }, c);
  }
}

/** Returns the names of the marks of what was ended. */
function namesOf({ issuer, sid, subject }: ProviderEnd): string[] {
  if (sid === undefined) return [subjectMark({ issuer }, subject!)];
  const names = [sessionMark({ issuer, sid })];
  if (subject !== undefined) names.push(sessionMark({ issuer }, subject));
  return names;
}

function ended({ clock }: CommitConfig, mark: ProviderMark): ProviderMark {
  const now = Math.floor(clock());
  return {
    ...mark,
    end: Math.max(now, mark.end + 1),
    expiresAt: Math.max(now + GENERATION_KEPT, mark.expiresAt),
  };
}

/** Checks whether a session comes from what was ended. Without a `sid` it may come from any session of its subject. */
function isEnded({ issuer, sid, subject }: ProviderEnd, { record }: SubjectSession): boolean {
  const provider = parseProvider(record.provider);
  if (provider?.issuer !== issuer) return false;
  if (sid === undefined || provider.sid === sid) return true;
  return provider.sid === undefined && record.subject === subject;
}
