import { compile } from "./compile.ts";
import type { SqlDialect, TableNames } from "./dialect.ts";
import { COLUMNS, LEFT, READ_COLUMNS } from "./row.ts";

const NAMES = Object.keys(COLUMNS);
/** All columns but the key. */
const CHANGED = NAMES.slice(1);
/** The columns after those of the index: SQLite writes an index again even if nothing in it changes. */
const BESIDE_INDEX = NAMES.slice(4);

const TIMES = ["expires_at", "renewed_at", "last_seen_at"];

/** The oldest generation that a session may have when it is bound to its subject. */
const OLDEST = "CASE WHEN excepted = :sid THEN since ELSE generation END";

const IS_PREVIOUS = "key = :key AND version = #previous AND expires_at > #now";

/** Makes all statements of a store. A statement that writes returns a row for each written session. */
export function statementsOf(dialect: SqlDialect, names: TableNames) {
  const { sessions, subjects } = names;
  const make = (...texts: string[]) => compile(dialect, texts);

  const present = `present AS (${dialect.lockSubject(names)})`;
  const isPresent = `#generation >= coalesce((SELECT ${OLDEST} FROM present), 0)`;

  const insert = (prefix = "") =>
    `INSERT INTO ${sessions} AS own (${NAMES}) SELECT ${
      NAMES.map((name) => COLUMNS[name] + prefix + name)
    }`;
  const create = (condition: string) =>
    `${insert()} WHERE ${condition} ON CONFLICT (key)
     DO UPDATE SET ${
      CHANGED.map((name) => `${name} = excluded.${name}`)
    } WHERE own.expires_at <= #now RETURNING key`;
  const update = (condition: string, columns = CHANGED) =>
    `UPDATE ${sessions} SET ${setsOf(columns)} WHERE ${IS_PREVIOUS} AND ${condition} RETURNING key`;
  const moved = dialect.report(":key", "''");
  const moveTo = (condition: string, report = "") =>
    `UPDATE ${sessions} SET key = :next, ${setsOf(CHANGED)} WHERE ${IS_PREVIOUS} AND ${condition}
     AND NOT EXISTS (SELECT 1 FROM ${sessions} AS other WHERE other.key = :next) RETURNING key${report}`;

  const andLeave = (common: string, move: string) =>
    dialect.moveAndLeave({ common, move, leave: insert(LEFT), report: moved });

  const raise = `INSERT INTO ${subjects} AS own (subject, generation, excepted, since, kept_until)
    VALUES (:subject, #generation, :except, 0, #until) ON CONFLICT (subject) DO UPDATE SET
    generation = CASE WHEN own.generation < excluded.generation THEN excluded.generation ELSE own.generation + 1 END,
    since = CASE WHEN own.excepted = excluded.excepted THEN own.since ELSE own.generation END,
    excepted = excluded.excepted, kept_until = excluded.kept_until RETURNING generation`;
  const raised = `SELECT generation FROM ${subjects} WHERE subject = :subject`;
  const ended = dialect.report("key", "'revoked'");
  const end = (raised: string) =>
    `WITH raised AS (${raised}) DELETE FROM ${sessions} WHERE subject = :subject AND expires_at > #now
     AND sid <> coalesce(:except, '') AND generation < (SELECT generation FROM raised) RETURNING key${ended}`;

  const expired = (table: string, column: string, key: string) =>
    `DELETE FROM ${table} WHERE ${column} <= #now AND ${key} IN (SELECT ${key} FROM ${table}
     WHERE ${column} <= #now LIMIT #limit${dialect.skipLocked}) RETURNING ${key}`;

  /** A write of a session, and the same write for a session that is bound to its subject. */
  const guarded = (
    write: (condition: string) => string,
    statements = (common: string, write: string) => [common + write],
  ) => ({
    free: make(...statements("", write("true"))),
    bound: make(...statements(`WITH ${present} `, write(isPresent))),
  });

  return {
    read: make(
      `SELECT ${READ_COLUMNS}, data FROM ${sessions} WHERE key = :key AND expires_at > #now`,
    ),
    create: guarded(create),
    update: guarded(update),
    /** The same for a session that stays the same in the list of its subject. */
    updateInPlace: guarded((condition) => update(condition, BESIDE_INDEX)),
    move: guarded((condition) => moveTo(condition, moved)),
    moveAndLeave: guarded(moveTo, andLeave),
    touch: make(update("true", TIMES)),
    delete: make(
      `DELETE FROM ${sessions} WHERE key = :key RETURNING key${dialect.report("key", ":reason")}`,
    ),
    list: make(
      `SELECT ${READ_COLUMNS}, '{}' AS data, subject_at, sid, key FROM ${sessions}
       WHERE subject = :subject AND expires_at > #now AND (subject_at, sid, key) < (#afterAt, :afterSid, :afterKey)
       ORDER BY subject_at DESC, sid DESC, key DESC LIMIT #limit`,
    ),
    generation: make(raised),
    /** Finds a generation that bars a record, when no other condition of the write failed. */
    bar: make(
      `SELECT 1 FROM ${subjects} WHERE subject = :subject AND #generation < ${OLDEST}
       AND #previous = coalesce((SELECT version FROM ${sessions} WHERE key = :key AND expires_at > #now), 0)`,
    ),
    deleteAll: make(...dialect.raiseAndEnd({ raise, raised, end })),
    stats: make(
      `SELECT count(*) AS sessions, count(DISTINCT subject) AS subjects FROM ${sessions}
       WHERE subject IS NOT NULL AND expires_at > #now`,
    ),
    sweep: make(expired(sessions, "expires_at", "key")),
    sweepSubjects: make(expired(subjects, "kept_until", "subject")),
  };
}

function setsOf(names: string[]): string[] {
  return names.map((name) => `${name} = ${COLUMNS[name]}${name}`);
}

/** All statements of a store. */
export type SqlStatements = ReturnType<typeof statementsOf>;
