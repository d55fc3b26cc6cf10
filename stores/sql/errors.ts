import { SetupError } from "../../src/store/setup_error.ts";
import { memberOf, type SqlDialect } from "./dialect.ts";
import { DEFAULT_TABLE } from "./table.ts";

/** The names in the errors of a store. */
export interface SqlStoreNames {
  /** The name of its class. */
  readonly store: string;
  /** The name of its table. */
  readonly table: string;
  /** The statement or function that creates its tables. */
  readonly schema: string;
}

/**
 * Converts an error of a database, without details that a driver may have added: the statement, its values, and
 * the row to store.
 */
export function toError(
  error: unknown,
  dialect: SqlDialect,
  { store, table, schema }: SqlStoreNames,
): Error {
  const [message, code, errno] = memberOf(error, "message", "code", "errno");
  if (error instanceof SetupError) return error;
  if (dialect.isMissing(error)) {
    const state = `its table "${table}" is missing, or is not of this version (${message})`;
    const options = table === DEFAULT_TABLE ? "" : `{ table: ${JSON.stringify(table)} }`;
    const wayOut = `run the text that ${store}.schema(${options}) returns, or use another table`;
    return new SetupError(`Cannot use ${store}: ${state}; ${wayOut}:\n${schema}`);
  }
  const text = message || String(error);
  return Object.assign(new Error(text + dialect.wayOut(text)), { code: code || errno });
}
