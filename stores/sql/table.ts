import { type Purpose, refuse, refuseRange } from "../../src/util/option_errors.ts";
import { checkTable } from "../../src/util/option_table.ts";
import { STRING } from "../../src/util/shapes.ts";
import type { SqlDialect, TableNames } from "./dialect.ts";
import { COLUMNS } from "./row.ts";

/** The name of the table of sessions, unless another one is given. */
export const DEFAULT_TABLE = "sessions";

/** The suffix of the name of the table of subjects. */
const SUBJECTS = "_subjects";

/**
 * The longest name of a table: Postgres allows 63 bytes, and the names of the index and the second table are
 * longer.
 */
const LONGEST_NAME = 63 - "_subjects_idx".length;

const NAME_REGEXP = /^(?:[a-z_]\w*\.)?[a-z_]\w*$/i;

/**
 * Returns the names of the tables of a store.
 *
 * @param table The option, which may start with the name of a schema and a dot.
 * @param purpose The purpose of the option.
 * @throws {TypeError} When it is not a valid name, or ends like a second table.
 * @throws {RangeError} When it is too long.
 */
export function tableNames(
  { table = DEFAULT_TABLE }: SqlTableOptions,
  purpose: Purpose,
): TableNames {
  if (!NAME_REGEXP.test(table) || table.endsWith(SUBJECTS)) {
    const state =
      `a name of letters, digits and underscores is required, without ${SUBJECTS} at its end`;
    refuse("table", state, purpose);
  }
  const name = table.slice(table.indexOf(".") + 1);
  if (name.length > LONGEST_NAME) {
    const state = `a name of ${name.length} characters, at most ${LONGEST_NAME} are possible`;
    refuseRange("table", state, purpose);
  }
  return {
    sessions: quote(table),
    subjects: quote(table + SUBJECTS),
    index: quote(`${name}_subject_idx`),
  };
}

/** The constraints of columns that are not just `NOT NULL`. */
const CONSTRAINTS: Readonly<Record<string, string>> = { key: " PRIMARY KEY", subject: "" };

function quote(name: string): string {
  return `"${name.replace(".", '"."')}"`;
}

/**
 * Returns the text that creates the tables of a store, if they don't exist.
 *
 * @throws {TypeError} When an option is unknown, or the table has no valid name.
 * @throws {RangeError} When the name is too long.
 */
export function schemaOf(store: string, dialect: SqlDialect, options: SqlTableOptions): string {
  const action = `make schema of ${store}`;
  checkTable({ action, shapes: { table: STRING } }, options);
  const names = tableNames(options, { action });
  const { numberType: number, textType: text, tableOptions } = dialect;
  const columns = Object.entries(COLUMNS).map(([name, sign]) =>
    `  ${name} ${sign === "#" ? number : text}${CONSTRAINTS[name] ?? " NOT NULL"}`
  );
  return `\
CREATE TABLE IF NOT EXISTS ${names.sessions} (
${columns.join(",\n")}
)${tableOptions};
CREATE INDEX IF NOT EXISTS ${dialect.indexOn(names)} (subject, subject_at, sid, key)
  WHERE subject IS NOT NULL;
CREATE TABLE IF NOT EXISTS ${names.subjects} (
  subject ${text} PRIMARY KEY,
  generation ${number} NOT NULL,
  excepted ${text},
  since ${number} NOT NULL,
  kept_until ${number} NOT NULL
)${tableOptions};
`;
}

/**
 * The name of the table.
 *
 * @example A table of another name
 * ```ts
 * import { SqliteStore, type SqlTableOptions } from "@x/hono-session/stores/sqlite";
 * import { assert } from "@std/assert";
 *
 * const options: SqlTableOptions = { table: "logins" };
 * assert(SqliteStore.schema(options).includes('"logins"'));
 * ```
 */
export interface SqlTableOptions {
  /**
   * The name of the table of sessions: letters, digits and underscores. The table of subjects has the same name
   * with the suffix `_subjects`.
   *
   * @default {"sessions"}
   */
  table?: string;
}
