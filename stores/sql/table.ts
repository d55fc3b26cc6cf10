import { refuse, refuseRange } from "../../src/util/option_errors.ts";
import type { OptionTable } from "../../src/util/option_table.ts";
import type { SqlDialect, TableNames } from "./dialect.ts";

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
 * @param table The name of the option, which may start with the name of a schema and a dot.
 * @param options The option table that contains the name.
 * @throws {TypeError} When it is not a valid name, or ends like a second table.
 * @throws {RangeError} When it is too long.
 */
export function tableNames(table: string, options: OptionTable): TableNames {
  if (!NAME_REGEXP.test(table)) {
    refuse("table", "a name of letters, digits and underscores is required", options);
  }
  if (table.endsWith(SUBJECTS)) {
    refuse("table", `names that end with ${SUBJECTS} are those of the second table`, options);
  }
  const name = table.slice(table.indexOf(".") + 1);
  if (name.length > LONGEST_NAME) {
    const state = `a name of ${name.length} characters, at most ${LONGEST_NAME} are possible`;
    refuseRange("table", state, options);
  }
  return {
    sessions: quote(table),
    subjects: quote(table + SUBJECTS),
    index: quote(`${name}_subject_idx`),
  };
}

function quote(name: string): string {
  return name.split(".").map((part) => `"${part}"`).join(".");
}

/** Returns the text that creates the tables of a store, if they don't exist. */
export function schemaOf(dialect: SqlDialect, names: TableNames): string {
  const { numberType: number, textType: text, tableOptions } = dialect;
  return `\
CREATE TABLE IF NOT EXISTS ${names.sessions} (
  key ${text} PRIMARY KEY,
  version ${number} NOT NULL,
  expires_at ${number} NOT NULL,
  renewed_at ${number} NOT NULL,
  last_seen_at ${number} NOT NULL,
  sid ${text} NOT NULL,
  subject ${text},
  subject_at ${number} NOT NULL,
  generation ${number} NOT NULL,
  record ${text} NOT NULL,
  data ${text} NOT NULL
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
