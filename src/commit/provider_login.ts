import { SessionEndedError } from "../errors.ts";
import { parseProvider } from "../record/provider.ts";
import type { SessionRecord } from "../record/record.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { CommitContext } from "./context.ts";
import {
  changeMark,
  holdsMarks,
  type MarkConfig,
  type ProviderMark,
  readMark,
  sessionMark,
  subjectMark,
} from "./provider_marks.ts";
import { checkOrEnd, type StoredCheck } from "./stored_check.ts";

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

/**
 * Makes sure, before a session is written, that a logout at its provider finds it.
 *
 * @throws {TypeError} When it has no subject.
 * @throws {SessionEndedError} When the provider has ended its session since the login started.
 */
export function enlistAtProvider(context: CommitContext, record: SessionRecord): Awaitable<void> {
  const { config: { records }, current, pending: { provider: login } } = context;
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
  const { expiresAt } = record;
  const subject = record.subject!;
  const provider = parseProvider(record.provider);
  if (!provider) return;
  const change = ({ end, subjects, expiresAt: until }: ProviderMark) =>
    subjects.includes(subject) && until >= expiresAt ? undefined : {
      end,
      subjects: [...new Set(subjects).add(subject)],
      expiresAt: Math.max(until, expiresAt),
    };
  await changeMark(config, { name: sessionMark(provider, subject), change }, c);
  if (context.pending.provider) await assertNotEnded(context, record);
}

const NOT_ENDED: StoredCheck<void> = {
  check: assertNotEnded,
  reason: "revoked",
  cause: "that its provider has ended",
};

/**
 * Ends a session that was just stored, if the provider has ended its own session in the meantime: the logout may
 * have looked for the session before it was stored.
 *
 * @throws {SessionEndedError} When the provider has ended it.
 */
export function checkProvider(context: CommitContext): Awaitable<void> {
  if (context.pending.provider && context.state.stored?.record.provider !== undefined) {
    return checkOrEnd(context, NOT_ENDED);
  }
}

/** @throws {SessionEndedError} When the provider has ended its session since the login started. */
async function assertNotEnded(
  context: CommitContext,
  { provider, subject }: SessionRecord,
): Promise<void> {
  const { config, pending, c } = context;
  const before = await pending.provider?.ends?.get() ?? [];
  const now = await providerEndsOf(config, { provider: provider!, subject: subject! }, c);
  if (now.every((end, index) => end <= (before[index] ?? 0))) return;
  throw new SessionEndedError(
    "Cannot log in: the identity provider has ended its session; log in again",
  );
}
