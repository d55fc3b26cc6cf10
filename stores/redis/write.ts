import { refuseLateLogin } from "../../src/store/late_login.ts";
import type { ScriptArguments } from "./connection.ts";
import type { ListChange } from "./entry.ts";
import type { WriteScript } from "./scripts.ts";

/**
 * Checks whether a script has written.
 *
 * @throws {SessionEndedError} When the write was refused because the login came too late.
 */
export function isDone(answer: unknown): boolean {
  if (Number(answer) !== -1) return Number(answer) === 1;
  return refuseLateLogin();
}

/** A write of a record, and its changes in the lists of subjects. */
export interface Write extends ScriptArguments {
  readonly script: WriteScript;
  readonly change: ListChange | undefined;
  /** Writes the records in a cluster, if the script can't. */
  readonly inSteps?: () => Promise<boolean>;
}
