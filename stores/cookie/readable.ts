import { isSessionRecord, parseObject, type SessionRecord } from "../../src/record.ts";

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

function objectText(value: unknown): string {
  const text = JSON.stringify(value);
  parseObject(text);
  return text;
}
