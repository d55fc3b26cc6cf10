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
  /** Whether a statement may use a value several times. */
  readonly reusesValues: boolean;
  /** Returns the placeholder of a value; the index starts at 1. */
  placeholder(index: number, isNumber: boolean): string;
  /** Returns the name of the index and of its table; the name of the schema belongs to one of them only. */
  indexOn(names: TableNames): string;
  /** Selects the generation of a subject, and locks it until the current statement is done. */
  lockSubject(names: TableNames): string;
  /** Returns the end of a `RETURNING` clause: what notifies processes that the session under a key has ended. */
  report(key: string, reason: string): string;
  /** Returns the statements that move a session and leave a trace under its key. */
  moveAndLeave(parts: MoveParts): string[];
  /** Returns the statements that start the next generation of a subject, and delete its earlier sessions. */
  raiseAndEnd(parts: EndParts): string[];
  /** Matches the message or the code of an error that means that a table, a column or a key is missing. */
  readonly missing: RegExp;
  /** Returns the way out of an error, after a semicolon; "" when there is none. */
  wayOut(message: string): string;
}

/** The parts of the statements that move a session. */
export interface MoveParts {
  /** `WITH` and common table expressions; "" without any. */
  readonly common: string;
  readonly move: string;
  /** Inserts the trace, up to the source of its values. */
  readonly leave: string;
  /** Reports the move, at the end of a `RETURNING` clause. */
  readonly report: string;
}

/** The parts of the statements that end all sessions of a subject. */
export interface EndParts {
  /** Starts the next generation. */
  readonly raise: string;
  /** Selects the present generation. */
  readonly raised: string;
  /** Deletes the sessions before the generation that a statement returns. */
  end(generation: string): string;
}

/** The dialect of SQLite, libSQL and D1. Only one statement writes to the database at a time. */
export const SQLITE: SqlDialect = {
  numberType: "REAL",
  textType: "TEXT",
  tableOptions: "",
  skipLocked: "",
  reusesValues: false,
  placeholder: () => "?",
  indexOn({ index, sessions }) {
    const at = sessions.indexOf(".") + 1;
    return `${sessions.slice(0, at)}${index} ON ${sessions.slice(at)}`;
  },
  lockSubject: ({ subjects }) =>
    `SELECT excepted, since, generation FROM ${subjects} WHERE subject = :subject`,
  report: () => "",
  // Only a session that was moved just now leaves a trace.
  moveAndLeave: ({ common, move, leave }) => [
    common + move,
    `${leave} WHERE changes() > 0 RETURNING key`,
  ],
  raiseAndEnd: ({ raise, raised, end }) => [raise, end(raised)],
  missing: /no such (table|column)|has no column named|does not match any PRIMARY KEY/,
  wayOut: (message) =>
    /database (table )?is locked/.test(message)
      ? "; let it wait for other processes with PRAGMA busy_timeout = 2000"
      : "",
};

/** The channel on which the ends of sessions are reported, for all stores of a database. */
export const CHANNEL = "hono_session_ended";

/**
 * The dialect of PostgreSQL. A statement that writes to the row of a subject waits for the previous writer, and
 * then sees its result, even if the statement started before.
 */
export const POSTGRES: SqlDialect = {
  numberType: "double precision",
  textType: 'text COLLATE "C"',
  tableOptions: " WITH (fillfactor = 80)",
  skipLocked: " FOR UPDATE SKIP LOCKED",
  reusesValues: true,
  placeholder: (index, isNumber) => `$${index}::${isNumber ? POSTGRES.numberType : "text"}`,
  indexOn: ({ index, sessions }) => `${index} ON ${sessions}`,
  lockSubject: ({ subjects }) =>
    `INSERT INTO ${subjects} AS own (subject, generation, since, kept_until) VALUES (:subject, 0, 0, 0)
     ON CONFLICT (subject) DO UPDATE SET generation = own.generation RETURNING excepted, since, generation`,
  report: (key, reason) => `, pg_notify('${CHANNEL}', ${key} || ' ' || ${reason})`,
  moveAndLeave: ({ common, move, leave, report }) => [
    `${
      common ? `${common},` : "WITH"
    } moved AS (${move}) ${leave} FROM moved RETURNING key${report}`,
  ],
  // A statement does not see the result of a login for which it has waited.
  raiseAndEnd: ({ raise, raised, end }) => [end(raise), end(raised)],
  // Undefined tables and columns, a key that is not unique, and columns of other types.
  missing: /^42(P01|703|P10|804|883)$/,
  wayOut: () => "",
};
