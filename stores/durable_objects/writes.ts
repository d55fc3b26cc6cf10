import type { SessionRecord } from "../../src/record/record.ts";
import type { StoreReplacement } from "../../src/store/contract.ts";
import { refuseLateLogin } from "../../src/store/late_login.ts";
import { makeWriteId } from "../../src/store/write_id.ts";
import type { Connection } from "./connection.ts";
import { type Entry, identify, toEntry, type Written } from "./operations.ts";

const DAY = 86_400_000;

/** A record under its key. */
export interface Placed {
  readonly key: string;
  readonly record: SessionRecord;
}

/** A write of a record, and the record that it overwrites. */
export interface Write {
  readonly next: Placed;
  readonly previous?: Placed | undefined;
  /** Writes the record once its entry is stored. */
  run(): Promise<Written>;
}

/**
 * Writes a record and changes the lists of its subjects. The entry is added first and removed last: a crash may leave an
 * entry without a session, never a session without an entry.
 *
 * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
 */
export async function writeListed(
  connection: Connection,
  { next, previous, run }: Write,
): Promise<boolean> {
  const entry = toEntry(next.key, next.record);
  const before = previous && toEntry(previous.key, previous.record);
  const binds = identify(entry) !== identify(before);
  const expires = endOf(next.record);
  if (entry && (binds || expires > endOf(previous!.record))) {
    const call = { operation: "enlist", entry, expires, binds } as const;
    if (!await connection.ask(entry.subject, call)) refuseLateLogin();
  }
  const written = await run();
  if (written === "ended") return refuseLateLogin();
  if (written && before && binds) await strike(connection, before);
  return written;
}

/** Removes an entry from its list. A failure is ignored: an entry without a session is not shown, and is reclaimed later. */
export async function strike(connection: Connection, entry: Entry): Promise<void> {
  await connection.finishing().ask(entry.subject, { operation: "strike", entries: [entry] })
    .catch(() => {});
}

/** A move of a session to another key. */
export interface Move {
  readonly key: string;
  readonly next: StoreReplacement;
  readonly previous: SessionRecord;
}

/** Moves a record to another object, then notifies its watchers. */
export async function move(connection: Connection, move: Move): Promise<Written> {
  const { key } = move;
  let isWatched = false;
  const written = await moveInSteps(connection, { ...move, onWatched: () => (isWatched = true) });
  if (written === true && isWatched) {
    // Watchers that are not notified read the record at intervals.
    await connection.finishing().ask(key, { operation: "report", key }).catch(() => {});
  }
  return written;
}

/** Moves a record in steps whose order leaves no session that can't be listed and ended. */
async function moveInSteps(
  connection: Connection,
  { key, next, previous, onWatched }: Move & { onWatched: () => void },
): Promise<Written> {
  const write = makeWriteId();
  const finishing = connection.finishing();
  const create = () =>
    connection.ask(next.key, { operation: "write", key: next.key, record: next.record, write });
  const leave = async (connection: Connection, listed: boolean) => {
    const { left } = next;
    const call = { key, version: previous.version, write, listed, ...(left && { left }) };
    const hasLeft = await connection.ask(key, { operation: "leave", ...call });
    if (typeof hasLeft === "number") onWatched();
    return hasLeft !== false;
  };
  const undo = async () => {
    await finishing.ask(next.key, { operation: "delete", key: next.key });
    return false;
  };
  if (next.left?.successor !== undefined) {
    // The trace must not exist before the session to which it leads.
    const created = await create();
    return created === true && !await leave(finishing, false) ? await undo() : created;
  }
  const listed = previous.subject !== undefined;
  if (!await leave(connection, listed)) return false;
  const created = await create();
  if (created !== true || !listed) return created;
  // `settle` returns false when the session was ended while it was being moved.
  return await finishing.ask(key, { operation: "settle", key, write }) || await undo();
}

/** Returns the time from which an entry can be reclaimed: whole days after the session, so that most renewals don't change it. */
function endOf({ expiresAt }: SessionRecord): number {
  return (Math.floor(expiresAt / DAY) + 2) * DAY;
}
