/** The names of the tables and the index of a store, as used in statements. */
export interface TableNames {
  /** The table of sessions. */
  readonly sessions: string;
  /** The table of subjects whose sessions were ended, or are being stored. */
  readonly subjects: string;
  /** The index over the sessions of a subject. */
  readonly index: string;
}

/** The differences between databases. */
export interface SqlDialect {
  /** The type of numbers: JavaScript numbers, which no driver returns as text. */
  readonly numberType: string;
  /** The type of texts, in the order of their bytes. */
  readonly textType: string;
  /** The suffix of the definition of a table whose rows are often updated. */
  readonly tableOptions: string;
  /** The suffix of the selection of rows to delete, so that two deletions don't wait for each other. */
  readonly skipLocked: string;
  /** Whether a statement may write to several tables, and use a value several times. */
  readonly combinesWrites: boolean;
  /** Returns the placeholder of a value; the index starts at 1. */
  placeholder(index: number, kind: "text" | "number"): string;
  /** Returns the name of the index and of its table; the name of the schema belongs to one of them only. */
  indexOn(names: TableNames): string;
  /** Selects the generation of a subject, and locks it until the current statement is done. */
  lockSubject(names: TableNames): string;
  /** Returns the end of a `RETURNING` clause: what notifies processes that the session under a key has ended. */
  report(key: string, reason: string): string;
  /** Checks whether an error means that a table, a column or a key is missing. */
  isMissing(error: unknown): boolean;
}

/** Returns members of an error as text. */
export function memberOf(error: unknown, ...names: string[]): string[] {
  if (typeof error !== "object" || error === null) return [];
  return names.map((name) => String(Reflect.get(error, name) ?? ""));
}

/** The dialect of SQLite, libSQL and D1. Only one statement writes to the database at a time. */
export const SQLITE: SqlDialect = {
  numberType: "REAL",
  textType: "TEXT",
  tableOptions: "",
  skipLocked: "",
  combinesWrites: false,
  placeholder: () => "?",
  indexOn({ index, sessions }) {
    const at = sessions.indexOf(".") + 1;
    return `${sessions.slice(0, at)}${index} ON ${sessions.slice(at)}`;
  },
  lockSubject: ({ subjects }) =>
    `SELECT excepted, since, generation FROM ${subjects} WHERE subject = :subject`,
  report: () => "",
  isMissing: (error) =>
    /no such (table|column)|has no column named|does not match any PRIMARY KEY/
      .test(memberOf(error, "message").join()),
};

/** The channel on which sessions that end are reported, those of all stores of a database. */
export const CHANNEL = "hono_session_ended";

/** Undefined tables and columns, a key that is not unique, and columns of other types. */
const MISSING = new Set(["42P01", "42703", "42P10", "42804", "42883"]);

/**
 * The dialect of PostgreSQL. A statement that writes to the row of a subject waits for the previous writer, and
 * then sees its result, even if the statement started before.
 */
export const POSTGRES: SqlDialect = {
  numberType: "double precision",
  textType: 'text COLLATE "C"',
  tableOptions: " WITH (fillfactor = 80)",
  skipLocked: " FOR UPDATE SKIP LOCKED",
  combinesWrites: true,
  placeholder: (index, kind) => `$${index}::${kind === "text" ? "text" : "double precision"}`,
  indexOn: ({ index, sessions }) => `${index} ON ${sessions}`,
  lockSubject: ({ subjects }) =>
    `INSERT INTO ${subjects} AS own (subject, generation, since, kept_until)
     VALUES (:subject, 0, 0, 0)
     ON CONFLICT (subject) DO UPDATE SET generation = own.generation
     RETURNING excepted, since, generation`,
  report: (key, reason) => `, pg_notify('${CHANNEL}', ${key} || ' ' || ${reason})`,
  isMissing: (error) => memberOf(error, "code", "errno").some((code) => MISSING.has(code)),
};
