import type { SessionRecord } from "../../src/record/record.ts";
import { fromLegacyOwner, isLegacyOwner } from "./legacy.ts";

/** Whose a record is. */
export type Owner = Pick<SessionRecord, "subject" | "subjectAt">;

/** Whose a record is, as it is in its text: since when, and the subject. */
export function toOwner({ subject, subjectAt }: Owner): string {
  return `${subjectAt ?? ""}:${encodeSubject(subject!)}`;
}

/** Whose a record is, by what is in its text. */
export function fromOwner(text: string): Owner {
  if (isLegacyOwner(text)) return fromLegacyOwner(text);
  const at = text.indexOf(":");
  const subject: string = JSON.parse(`"${decodeURIComponent(text.slice(at + 1))}"`);
  return at === 0 ? { subject } : { subject, subjectAt: Number(text.slice(0, at)) };
}

/** A subject without spaces and braces. */
export function encodeSubject(subject: string): string {
  // A surrogate alone has no URI, but JSON.
  return encodeURIComponent(JSON.stringify(subject).slice(1, -1));
}
