import type { SessionRecord } from "../../src/record/record.ts";
import { fromLegacyOwner, isLegacyOwner } from "./legacy.ts";

/** The owner of a record. */
export type Owner = Pick<SessionRecord, "subject" | "subjectAt">;

/** Returns the owner of a record as text: the time of the binding, and the subject. */
export function toOwner({ subject, subjectAt }: Owner): string {
  return `${subjectAt ?? ""}:${encodeSubject(subject!)}`;
}

/** Parses the owner of a record. */
export function fromOwner(text: string): Owner {
  if (isLegacyOwner(text)) return fromLegacyOwner(text);
  const at = text.indexOf(":");
  const subject: string = JSON.parse(`"${decodeURIComponent(text.slice(at + 1))}"`);
  return at === 0 ? { subject } : { subject, subjectAt: Number(text.slice(0, at)) };
}

/** Encodes a subject without spaces and braces. */
export function encodeSubject(subject: string): string {
  // A lone surrogate can't be URI-encoded, so it is escaped as in JSON first.
  return encodeURIComponent(JSON.stringify(subject).slice(1, -1));
}
