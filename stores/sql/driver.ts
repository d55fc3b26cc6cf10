import type { Awaitable } from "../../src/util/awaitable.ts";

/** A value of a statement. */
export type SqlValue = string | number | null;

/** A statement with its values. */
export interface SqlStatement {
  readonly text: string;
  readonly values: SqlValue[];
}

/** A row of a result. It is read by position: clients can rename columns, and return arrays. */
export type SqlRow = Readonly<Record<string, unknown>> | readonly unknown[];

/** Runs statements with the client of the application. */
export interface SqlDriver {
  /**
   * Runs statements one after the other: in one transaction, unless the dialect needs none.
   *
   * @param statements The statements.
   * @param signal Aborts them.
   * @returns The rows of all of them, in their order.
   */
  run(statements: readonly SqlStatement[], signal?: AbortSignal): Awaitable<readonly SqlRow[]>;
}
