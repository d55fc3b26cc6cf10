import type { SessionRecord } from "../../src/record/record.ts";

type Owner = Pick<SessionRecord, "subject" | "subjectAt">;

// The format of version 0.1: the record as JSON, with the members that scripts read first.

/** A pattern of Lua for a record of version 0.1: the version, the expiry, the write, and the position of the rest. */
export const LEGACY =
  `'^{"version":(%d+),"lastSeenAt":[^,]+,"renewedAt":[^,]+,"expiresAt":([^,]+),"write":"([^"]*)"()'`;

/** Parses such a record. */
export function fromLegacyValue(value: string): SessionRecord {
  const { write: _, ...record } = JSON.parse(value);
  return record;
}

/** Checks whether the text of an owner is from such a record. */
export function isLegacyOwner(text: string): boolean {
  return text.startsWith('"');
}

/** Returns the owner of such a record as text. */
export function toLegacyOwner({ subject, subjectAt }: Owner): string {
  return JSON.stringify({ subject, subjectAt }).slice(1, -1);
}

/** Parses the owner of such a record. */
export function fromLegacyOwner(text: string): Owner {
  return JSON.parse(`{${text}}`);
}
