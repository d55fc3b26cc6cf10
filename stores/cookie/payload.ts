import { SessionSerializationError } from "../../src/errors.ts";
import { isObject } from "../../src/record/plain_object.ts";
import { isSessionRecord, parseMembers, type SessionRecord } from "../../src/record/record.ts";
import { objectText } from "./readable.ts";

/** The key of a payload that holds everything but the data. */
const RESERVED_KEY = "hono-session";

const MARK = `"${RESERVED_KEY}":`;

/**
 * Serializes a session: its data, and under the reserved key the name of its cookie and the rest of its record.
 *
 * @throws {SessionSerializationError} When the data have the reserved key.
 */
export function toPayload({ data, ...rest }: SessionRecord, cookieName: string): string {
  if (data.includes(RESERVED_KEY) && parseMembers(data).has(RESERVED_KEY)) {
    throw new SessionSerializationError(
      `Cannot seal session: session["${RESERVED_KEY}"] is reserved for the metadata of the session; use another key`,
    );
  }
  const members = data.slice(0, data.lastIndexOf("}")).trimEnd();
  const kept = JSON.stringify({ for: cookieName, ...rest });
  // It comes last, so that no member of the data can be mistaken for it.
  return `${members}${members.endsWith("{") ? "" : ","}${MARK}${kept}}`;
}

/** Returns the record of a payload; `undefined` when it is invalid, or belongs to another cookie. */
export function fromPayload(payload: unknown, cookieName: string): SessionRecord | undefined {
  if (!isObject(payload)) return undefined;
  const { [RESERVED_KEY]: kept, ...data } = payload;
  return toRecord(kept, { data: objectText(data), cookieName });
}

/**
 * Parses the text of a payload to a record. The reserved key is the last member, unless another program wrote
 * it, so the data need not be parsed.
 */
export function parsePayload(text: string, cookieName: string): SessionRecord | undefined {
  const end = text.lastIndexOf(MARK);
  if (end === -1) return undefined;
  let kept: unknown;
  try {
    kept = JSON.parse(text.slice(end + MARK.length, -1));
  } catch {
    return fromPayload(JSON.parse(text), cookieName);
  }
  const data = `${text.slice(0, text[end - 1] === "," ? end - 1 : end)}}`;
  return toRecord(kept, { data, cookieName });
}

function toRecord(
  kept: unknown,
  { data, cookieName }: { data: string; cookieName: string },
): SessionRecord | undefined {
  if (!isObject(kept)) return undefined;
  const { for: name, ...rest } = kept;
  const record = { ...rest, data };
  return name === cookieName && isSessionRecord(record) ? record : undefined;
}
