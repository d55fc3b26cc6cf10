import { isSessionRecord, parseObject, type SessionRecord } from "../../src/record/record.ts";
import { isPlainObject } from "../../src/record/plain_object.ts";
import { serializeValue } from "../../src/record/serialize.ts";

/** Serializes a record to JSON that people and scripts can read: the data are a nested object. */
export function toReadable(record: SessionRecord): string {
  const { data, flash, ...rest } = record;
  const head = JSON.stringify(rest).slice(0, -1);
  return `${head},"data":${data}${flash === undefined ? "" : `,"flash":${flash}`}}`;
}

/** Parses this JSON to a record; `undefined` when it is invalid. */
export function fromReadable(text: string): SessionRecord | undefined {
  try {
    const { data, flash, ...rest } = parseObject(text);
    const record = {
      ...rest,
      data: objectText(data),
      ...(flash === undefined ? {} : { flash: objectText(flash) }),
    };
    return isSessionRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** JSON that represents data that no session can hold: it is invalid as well. */
const UNFIT = '{"":1e999}';

/**
 * Serializes an object.
 *
 * @throws {SyntaxError} When it is not an object.
 */
export function objectText(value: unknown): string {
  if (!isPlainObject(value)) {
    throw new SyntaxError("Cannot read record: its data are not an object");
  }
  try {
    return serializeValue(value, "session");
  } catch {
    return UNFIT;
  }
}
