import type { SessionRecord } from "../../src/record/record.ts";

type Owner = Pick<SessionRecord, "subject" | "subjectAt">;

// What version 0.1 has written: the record as JSON, what scripts look at first.

/** The version, the end, the write and the text after the times of a record that version 0.1 has written. */
export const LEGACY = `
local function legacy(value)
  return string.match(value, '^{"version":(%d+),"lastSeenAt":[^,]+,"renewedAt":[^,]+,' ..
    '"expiresAt":([^,]+),"write":"([^"]*)"(.*)$')
end
`;

/** The record in such a text. */
export function fromLegacyValue(value: string): SessionRecord {
  const { write: _, ...record } = JSON.parse(value);
  return record;
}

/** Whether the text of an owner is from such a record. */
export function isLegacyOwner(text: string): boolean {
  return text.startsWith('"');
}

/** Whose such a record is, as it is in its text. */
export function toLegacyOwner({ subject, subjectAt }: Owner): string {
  return JSON.stringify({ subject, subjectAt }).slice(1, -1);
}

/** Whose such a record is, by what is in its text. */
export function fromLegacyOwner(text: string): Owner {
  return JSON.parse(`{${text}}`);
}
