import { hashToken } from "../crypto/store_key.ts";
import { makeSid } from "../crypto/token.ts";
import { SessionConflictError } from "../errors.ts";
import type { SessionProvider } from "../record/provider.ts";
import { parseObjectIfAny, type SessionRecord } from "../record/record.ts";
import { makeTrace } from "../record/trace.ts";
import type { StoreCapabilities } from "../store/contract.ts";
import { changeRecord } from "./change_record.ts";
import type { CommitConfig } from "./context.ts";

/** The part of the configuration that marks use. */
export type MarkConfig = Pick<CommitConfig, "records">;

/** What the store remembers of a session at an identity provider, or of all sessions of a subject there. */
export interface ProviderMark {
  /** When the provider last ended it, in epoch milliseconds, or later; 0 for never. */
  readonly end: number;
  /** The subjects of the sessions that come from it. */
  readonly subjects: readonly string[];
  /** When it may be forgotten, in epoch milliseconds. */
  readonly expiresAt: number;
}

/** Checks whether a store can hold marks, and list the sessions to which they lead. */
export function holdsMarks({ atomic, index }: StoreCapabilities): boolean {
  return atomic && index;
}

/** Returns the name of the mark of a session at a provider; without a `sid` there is one for each subject. */
export function sessionMark({ issuer, sid }: SessionProvider, subject?: string): string {
  return JSON.stringify(["provider session", issuer, sid ?? { subject }]);
}

/** Returns the name of the mark of all sessions of a subject at a provider. */
export function subjectMark({ issuer }: SessionProvider, subject: string): string {
  return JSON.stringify(["provider subject", issuer, subject]);
}

/** Reads a mark for a login. */
export async function readMark(
  { records }: MarkConfig,
  name: string,
  c: unknown,
): Promise<ProviderMark> {
  const read = async () => await records.read(await hashToken(name), c);
  return markOf(await records.logins.add(name, read()));
}

/**
 * Changes a mark, over concurrent changes.
 *
 * @param options.change Returns the next mark; `undefined` to leave it as it is. It may run several times.
 * @returns The mark as it is now.
 * @throws {SessionConflictError} When no try is left.
 */
export async function changeMark(
  { records }: MarkConfig,
  { name, change }: {
    name: string;
    change: (mark: ProviderMark) => ProviderMark | undefined;
  },
  c: unknown,
): Promise<ProviderMark> {
  const key = await hashToken(name);
  const record = await changeRecord(records, {
    key,
    change: (stored) => {
      const next = change(markOf(stored));
      if (!next) return undefined;
      const { expiresAt, ...data } = next;
      return makeTrace("ended", {
        sid: makeSid(),
        version: (stored?.version ?? 0) + 1,
        data: JSON.stringify(data),
        expiresAt,
      });
    },
  }, c);
  if (record !== false) return markOf(record);
  throw new SessionConflictError(
    "Cannot mark session of provider: other requests were faster; try again",
  );
}

function markOf(record: SessionRecord | undefined): ProviderMark {
  const { end, subjects } = parseObjectIfAny(record?.data) ?? {};
  return {
    end: typeof end === "number" ? end : 0,
    subjects: Array.isArray(subjects) ? subjects : [],
    expiresAt: record?.expiresAt ?? 0,
  };
}
