import { LONGEST_LIFE } from "./expiry.ts";
import { refuse, refuseRange } from "./misuse.ts";
import type { SessionOptions } from "./options.ts";

type Shape = "boolean" | "string" | "function" | "object" | "any";

/** Every option and the kind of value that it takes. */
export const SHAPES: Readonly<Record<keyof SessionOptions, readonly Shape[]>> = {
  store: ["object"],
  secret: ["any"],
  encoder: ["object"],
  maxAge: ["any"],
  rolling: ["boolean", "object"],
  absoluteMaxAge: ["any"],
  rotate: ["object"],
  cookieName: ["any"],
  cookieOptions: ["object"],
  existsCookieName: ["string"],
  existsCookieOptions: ["object"],
  token: ["object"],
  initial: ["object", "function"],
  schema: ["object", "function"],
  migrate: ["function"],
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

/** @throws {TypeError} When options are no object. */
export function checkObject(options: unknown): void {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return;
  throw new TypeError("Cannot build session middleware: options are not an object");
}

/** @throws {TypeError} When an option is unknown or of the wrong kind. */
export function checkShapes(options: object): void {
  checkObject(options);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(SHAPES, name)) refuse(name, "there is no such option");
    checkShape(name, value, SHAPES[name as keyof SessionOptions]);
  }
}

/** @throws {TypeError} When a value is there and of the wrong kind. */
export function checkShape(name: string, value: unknown, shapes: readonly Shape[]): void {
  if (value === undefined || shapes.includes("any")) return;
  if (value === null || Array.isArray(value) || !shapes.includes(typeof value as Shape)) {
    refuse(name, `it takes ${shapes.map((shape) => `a value of type ${shape}`).join(" or ")}`);
  }
}

/**
 * @throws {TypeError} When a value is no number.
 * @throws {RangeError} When it is not above 0, or beyond reason.
 */
export function checkSeconds(name: string, value: unknown, most: number = LONGEST_LIFE): void {
  if (typeof value !== "number") refuse(name, "it takes a number of seconds");
  if (!(value > 0 && value <= most)) {
    refuseRange(name, `${value}, a number of seconds above 0 and up to ${most} is needed`);
  }
}

/** @throws {TypeError} When a member is unknown or no function. */
export function checkMembers(name: string, value: object, members: readonly string[]): void {
  for (const [member, each] of Object.entries(value)) {
    if (!members.includes(member)) refuse(`${name}.${member}`, "there is no such member");
    if (each !== undefined && typeof each !== "function") {
      refuse(`${name}.${member}`, "it takes a function");
    }
  }
}
