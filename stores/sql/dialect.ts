/** The names of the tables of a store and of the index, as statements contain them. */
export interface TableNames {
  /** The table of sessions. */
  readonly sessions: string;
  /** The table of subjects whose sessions were ended, or are being stored. */
  readonly subjects: string;
  /** The index over the sessions of a subject. */
  readonly index: string;
}

/** What differs between databases. */
export interface SqlDialect {
  /** The type of numbers: those of JavaScript, which no driver returns as text. */
  readonly numberType: string;
  /** The type of texts, in the order of their bytes. */
  readonly textType: string;
  /** What follows the definition of a table whose rows are often updated. */
  readonly tableOptions: string;
  /** What follows the selection of rows to delete, so that two deletions don't wait for each other. */
  readonly skipLocked: string;
  /** Whether a statement may write to several tables, and a value have several places. */
  readonly combinesWrites: boolean;
  /** The placeholder of a value, counted from 1. */
  placeholder(index: number, kind: "text" | "number"): string;
  /**
   * Selects the generation of a subject, in a way that no other statement raises it before the present one is done.
   */
  lockSubject(names: TableNames): string;
  /** Whether an error says that a table, a column or a key is missing. */
  isMissing(error: unknown): boolean;
}

/** The member of an error under one of some names, as text. */
export function memberOf(error: unknown, ...names: string[]): string[] {
  if (typeof error !== "object" || error === null) return [];
  return names.map((name) => String(Reflect.get(error, name) ?? ""));
}

/** The dialect of SQLite, libSQL and D1. A statement that writes is alone in the database. */
export const SQLITE: SqlDialect = {
  numberType: "REAL",
  textType: "TEXT",
  tableOptions: "",
  skipLocked: "",
  combinesWrites: false,
  placeholder: () => "?",
  lockSubject: ({ subjects }) =>
    `SELECT excepted, since, generation FROM ${subjects} WHERE subject = :subject`,
  isMissing: (error) =>
    /no such (table|column)|has no column named|does not match any PRIMARY KEY/
      .test(memberOf(error, "message").join()),
};

/** Undefined tables and columns, and a key that is not unique. */
const MISSING = new Set(["42P01", "42703", "42P10"]);

/**
 * The dialect of PostgreSQL. What writes to the row of a subject waits until whoever did so before is done, and then
 * sees what it has written, at whatever time its statement began.
 */
export const POSTGRES: SqlDialect = {
  numberType: "double precision",
  textType: 'text COLLATE "C"',
  tableOptions: " WITH (fillfactor = 80)",
  skipLocked: " FOR UPDATE SKIP LOCKED",
  combinesWrites: true,
  placeholder: (index, kind) => `$${index}::${kind === "text" ? "text" : "double precision"}`,
  lockSubject: ({ subjects }) =>
    `INSERT INTO ${subjects} AS own (subject, generation, since, kept_until)
     VALUES (:subject, 0, 0, 0)
     ON CONFLICT (subject) DO UPDATE SET generation = own.generation
     RETURNING excepted, since, generation`,
  isMissing: (error) => memberOf(error, "code", "errno").some((code) => MISSING.has(code)),
};
