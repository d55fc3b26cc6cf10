import { isPlainObject } from "../record/plain_object.ts";
import { readOption, type Shape } from "../util/option_table.ts";
import { DATE, members, required, STRING } from "../util/shapes.ts";

/** A session of another library, as the application has read it. */
export interface AdoptedSession {
  readonly data: object;
  readonly subject?: string;
  /** The end of the session, in epoch milliseconds. */
  readonly expiresAt?: number;
}

const PLAIN: Shape = { text: "a plain object", is: isPlainObject };

const SESSION: Shape = {
  ...members({ data: required(PLAIN), subject: STRING, expiresAt: DATE }),
  ...PLAIN,
};

/**
 * Checks what the application has read.
 *
 * @returns `undefined` when there is no session.
 * @throws {TypeError} When it is something else than a session.
 */
export function toAdoptedSession(value: unknown): AdoptedSession | undefined {
  const given = { name: "adopt.read()", value: value ?? undefined, action: "adopt session" };
  return readOption(SESSION, given) as AdoptedSession | undefined;
}
