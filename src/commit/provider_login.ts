import { SessionEndedError } from "../errors.ts";
import type { PendingProvider } from "../record/pending_changes.ts";
import { parseProvider } from "../record/provider.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { CommitContext } from "./context.ts";
import { checkOrEnd, type StoredCheck } from "./end.ts";
import {
  changeMark,
  holdsMarks,
  type MarkConfig,
  type ProviderMark,
  readMark,
  sessionMark,
  subjectMark,
} from "./provider_marks.ts";

/** Returns the ends at an identity provider that concern a login of a subject, as they are now. */
export async function providerEndsOf(
  config: MarkConfig,
  { provider: text, subject }: { provider: string; subject: string },
  c: unknown,
): Promise<readonly number[]> {
  const provider = parseProvider(text);
  if (!provider || !holdsMarks(config.records.capabilities)) return [];
  const names = [sessionMark(provider, subject), subjectMark(provider, subject)];
  const marks = await Promise.all(names.map((name) => readMark(config, name, c)));
  return marks.map(({ end }) => end);
}

/** Returns the session at a provider with which a commit logs in. */
function loginOf({ options, pending }: CommitContext): PendingProvider | undefined {
  return options.onlyToken ? undefined : pending.provider ?? undefined;
}

/**
 * Makes sure, before a session is written, that a logout at its provider finds it.
 *
 * @throws {TypeError} When it has no subject.
 * @throws {SessionEndedError} When the provider has ended its session since the login started.
 */
export function enlistAtProvider(context: CommitContext, record: SessionRecord): Awaitable<void> {
  const { config: { records }, current } = context;
  const login = loginOf(context);
  if (login && !login.ends) {
    throw new TypeError(
      "Cannot store session.provider: the session has no subject; set session.subject as well",
    );
  }
  const isKnown = !login && record.expiresAt <= (current?.record.expiresAt ?? 0);
  if (record.provider === undefined || isKnown || !holdsMarks(records.capabilities)) return;
  return enlist(context, record);
}

async function enlist(context: CommitContext, record: SessionRecord): Promise<void> {
  const { config, c } = context;
  const { subject, expiresAt } = record;
  const provider = parseProvider(record.provider);
  if (!provider || subject === undefined) return;
  const change = ({ end, subjects, expiresAt: until }: ProviderMark) => {
    const isListed = subjects.includes(subject);
    if (isListed && until >= expiresAt) return undefined;
    return {
      end,
      subjects: isListed ? subjects : [...subjects, subject],
      expiresAt: Math.max(until, expiresAt),
    };
  };
  await changeMark(config, { name: sessionMark(provider, subject), change }, c);
  if (loginOf(context)) await assertNotEnded(context, record);
}

const NOT_ENDED: StoredCheck<void> = {
  check: assertNotEnded,
  reason: "revoked",
  cause: "that its provider has ended",
};

/**
 * Ends a session again that was just stored, if its provider has ended its own in the meantime: the logout may
 * have looked for the session before it was stored.
 *
 * @throws {SessionEndedError} When the provider has.
 */
export function checkProvider(context: CommitContext): Awaitable<void> {
  if (loginOf(context) && context.state.stored?.record.provider !== undefined) {
    return checkOrEnd(context, NOT_ENDED);
  }
}

/** @throws {SessionEndedError} When the provider has ended its session since the login started. */
async function assertNotEnded(
  context: CommitContext,
  { provider, subject }: SessionRecord,
): Promise<void> {
  if (provider === undefined || subject === undefined) return;
  const { config, c } = context;
  const before = await loginOf(context)?.ends?.get() ?? [];
  const now = await providerEndsOf(config, { provider, subject }, c);
  if (now.every((end, index) => end <= (before[index] ?? 0))) return;
  throw new SessionEndedError(
    "Cannot log in: the identity provider has ended its session; log in again",
  );
}
