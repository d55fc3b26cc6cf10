import { isSessionRecord, parseObject, type SessionRecord } from "../../src/record/record.ts";
import { isPlainObject, serializeValue } from "../../src/record/serialize.ts";

/** A record as JSON that a person and a script can read: its data are an object in it. */
export function toReadable(record: SessionRecord): string {
  const { data, flash, ...rest } = record;
  const head = JSON.stringify(rest).slice(0, -1);
  return `${head},"data":${data}${flash === undefined ? "" : `,"flash":${flash}`}}`;
}

/** The record of such a JSON; `undefined` when it holds none. */
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

/** Stands for an object that no session can hold: nor can it hold this one. */
const UNFIT = '{"":1e999}';

/**
 * The JSON text of an object.
 *
 * @throws {SyntaxError} When it is none.
 */
export function objectText(value: unknown): string {
  if (!isPlainObject(value)) throw new SyntaxError("Cannot read record: its data are no object");
  try {
    return serializeValue(value, "session");
  } catch {
    return UNFIT;
  }
}
