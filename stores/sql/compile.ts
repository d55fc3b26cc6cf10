import type { SqlDialect } from "./dialect.ts";
import type { SqlStatement, SqlValue } from "./driver.ts";

/** The values of a statement, by name. */
export type SqlValues = Readonly<Record<string, SqlValue>>;

/** A function that makes statements from their values. */
export type SqlTemplate = (values: SqlValues) => SqlStatement[];

const VALUE_REGEXP = /([:#])([a-z]\w*)/gi;

/**
 * Compiles the texts of statements, in which `:name` is a text value and `#name` a number.
 *
 * @param dialect The dialect of the database.
 * @param texts The texts.
 */
export function compile(dialect: SqlDialect, texts: readonly string[]): SqlTemplate {
  const statements = texts.map((given) => {
    const names: string[] = [];
    const text = given.replaceAll(/\s+/g, " ").replaceAll(VALUE_REGEXP, (_, sign, name) => {
      let place = dialect.reusesValues ? names.indexOf(name) : -1;
      if (place === -1) place = names.push(name) - 1;
      return dialect.placeholder(place + 1, sign === "#");
    });
    return { text, names };
  });
  return (values) =>
    statements.map(({ text, names }) => ({ text, values: names.map((name) => values[name]!) }));
}
