import { isPlainObject } from "../record/plain_object.ts";

/** A session of another library, as the application has read it. */
export interface ReadSession {
  readonly data: object;
  readonly subject: string | undefined;
  /** The end of the session, in epoch milliseconds. */
  readonly endsAt: number;
}

/**
 * Checks what the application has read.
 *
 * @returns `undefined` when there is no session.
 * @throws {TypeError} When it is something else than a session.
 */
export function toReadSession(value: unknown): ReadSession | undefined {
  if (value === undefined || value === null) return undefined;
  const { data, subject, expiresAt, ...others } = value as Record<string, unknown>;
  if (!isPlainObject(value) || !isPlainObject(data)) refuse("no data, a plain object is required");
  const [other] = Object.keys(others);
  if (other !== undefined) refuse("a member that is not data, subject or expiresAt");
  if (subject !== undefined && typeof subject !== "string") {
    refuse("a subject that is not a string");
  }
  const endsAt = expiresAt === undefined ? Infinity : Number(expiresAt);
  const isTime = expiresAt === undefined || expiresAt instanceof Date && !Number.isNaN(endsAt);
  if (!isTime) refuse("an expiresAt that is not a valid Date");
  return { data, subject, endsAt };
}

function refuse(what: string): never {
  throw new TypeError(`Cannot adopt session: option adopt.read returned ${what}`);
}
