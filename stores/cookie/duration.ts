import type { Reader, Writer } from "./bytes.ts";

/** The units of a duration, in milliseconds. The largest unit that divides it is used; two bits encode it. */
const UNITS = [3_600_000, 60_000, 1000, 1];

/** Writes a duration in whole milliseconds. */
export function writeDuration(writer: Writer, duration: number): void {
  let unit = 0;
  while (duration % UNITS[unit]! !== 0) unit++;
  writer.number(duration / UNITS[unit]! * UNITS.length + unit);
}

/** Reads a duration. */
export function readDuration(reader: Reader): number {
  const coded = reader.number();
  const unit = coded % UNITS.length;
  return (coded - unit) / UNITS.length * UNITS[unit]!;
}
