import { LONGEST_LIFE } from "../record/expiry.ts";
import { INSTEAD } from "../util/foreign_options.ts";
import { MIDDLEWARE, refuse, refuseRange } from "../util/option_errors.ts";
import { checkTable, type OptionTable, type Shape } from "../util/option_table.ts";
import type { SessionOptions } from "./options.ts";

/** Every option and the kind of value that it requires. */
export const SHAPES: Readonly<Record<keyof SessionOptions, readonly Shape[]>> = {
  store: ["any"],
  secret: ["any"],
  encoder: ["object"],
  maxAge: ["any"],
  rolling: ["boolean", "object"],
  absoluteMaxAge: ["any"],
  persistent: ["boolean"],
  rotate: ["object"],
  cookieName: ["any"],
  cookieOptions: ["object"],
  existsCookieName: ["string"],
  existsCookieOptions: ["object"],
  token: ["object"],
  initial: ["object", "function"],
  schema: ["object", "function"],
  migrate: ["async function"],
  scope: ["string", "function"],
  maxSessions: ["object"],
  allowOverwrite: ["boolean"],
  commitOnError: ["boolean"],
  onStoreError: ["string"],
  storeTimeout: ["any"],
  cacheControl: ["boolean"],
  contextKey: ["string"],
  lazy: ["boolean"],
  events: ["object"],
  logger: ["object"],
  clock: ["function"],
};

const TABLE: OptionTable = { ...MIDDLEWARE, shapes: SHAPES, instead: INSTEAD };

/** @throws {TypeError} When options are no object, or one is unknown or of the wrong kind. */
export function checkShapes(options: object): void {
  checkTable(TABLE, options);
}

/** @throws {TypeError} When a member of an option is unknown or of the wrong kind. */
export function checkMembers(
  within: string,
  { value, ...table }: { value: object } & Pick<OptionTable, "shapes" | "instead">,
): void {
  checkTable({ ...MIDDLEWARE, ...table, within }, value);
}

/**
 * @throws {TypeError} When a value is no number.
 * @throws {RangeError} When it is not above 0, or beyond reason.
 */
export function checkSeconds(name: string, value: unknown, most: number = LONGEST_LIFE): void {
  if (typeof value !== "number") refuse(name, "a number of seconds is required");
  if (!(value > 0 && value <= most)) {
    refuseRange(name, `${value}, a number of seconds above 0 and up to ${most} is required`);
  }
}
