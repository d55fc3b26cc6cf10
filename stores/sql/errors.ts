import { SetupError } from "../../src/store/setup_error.ts";
import type { SqlDialect } from "./dialect.ts";
import { DEFAULT_TABLE, type SqlTableOptions } from "./table.ts";

/** The part of a store's setup that its errors name. */
export interface SqlErrorSetup {
  /** The name of its class. */
  readonly store: string;
  readonly dialect: SqlDialect;
  readonly options: SqlTableOptions;
  /** Returns the text that creates its tables. */
  schema(options: SqlTableOptions): string;
}

/**
 * Converts an error of a database, without details that a driver may have added: the statement, its values, and
 * the row to store.
 */
export function toError(
  error: unknown,
  { store, dialect, options, schema }: SqlErrorSetup,
): Error {
  const texts = textsOf(error);
  const [message, code, errno] = texts;
  if (error instanceof SetupError) return error;
  if (texts.some((text) => dialect.missing.test(text))) {
    const { table = DEFAULT_TABLE } = options;
    const state = `its table "${table}" is missing, or is not of this version (${message})`;
    const given = table === DEFAULT_TABLE ? "" : `{ table: ${JSON.stringify(table)} }`;
    const wayOut = `run the text that ${store}.schema(${given}) returns, or use another table`;
    return new SetupError(`Cannot use ${store}: ${state}; ${wayOut}:\n${schema({ table })}`);
  }
  const text = message || String(error);
  return Object.assign(new Error(text + dialect.wayOut(text)), { code: code || errno });
}

/** Returns the message of an error and its codes. */
export function textsOf(error: unknown): string[] {
  return ["message", "code", "errno"].map((name) => String(Reflect.get(Object(error), name) ?? ""));
}
