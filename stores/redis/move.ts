import type { SessionRecord } from "../../src/record/record.ts";
import type { StoreReplacement } from "../../src/store/contract.ts";
import type { Connection } from "./connection.ts";
import { SETTLE, WRITE } from "./scripts.ts";
import { MOVING, toMoving } from "./value.ts";
import { isDone } from "./write.ts";

/** How long the placeholder of a record that is being moved is kept, in milliseconds. */
const MOVE_TIME = "60000";

/** A move of a record from one node of a cluster to another. */
export interface Move {
  /** The old and the new key of the record. */
  readonly keys: readonly string[];
  /** The arguments of the script that writes the record: now, previous version, write, record, milliseconds to live. */
  readonly args: readonly string[];
  /** The trace under the old key, and its milliseconds to live; two empty texts for none. */
  readonly left: readonly string[];
  readonly next: StoreReplacement;
  readonly previous: SessionRecord;
  /** Deletes the record under the new key. */
  readonly undo: () => Promise<void>;
}

/** Moves a record in several steps; `false` when it is gone or has another version. */
export async function moveInSteps(connection: Connection, move: Move): Promise<boolean> {
  const { next: { left }, previous } = move;
  // A trace that leads to the session must not exist before the session.
  if (left?.successor !== undefined) return await createFirst(connection, move);
  if (previous.subject !== undefined) return await moveListed(connection, move);
  const text = left ? move.left : placeholderOf(move);
  return await overwrite(connection, move, { text }) && await create(connection, move);
}

async function createFirst(connection: Connection, move: Move): Promise<boolean> {
  if (!await create(connection, move)) return false;
  if (await overwrite(connection.finishing(), move, { text: move.left })) return true;
  await move.undo();
  return false;
}

/** Moves a record that stays in its subject's list during the move. */
async function moveListed(connection: Connection, move: Move): Promise<boolean> {
  const { keys: [from], args: [now, _version, write], left, next, previous, undo } = move;
  const text = placeholderOf(move, toMoving(previous, next.left?.trace));
  if (!await overwrite(connection, move, { text })) return false;
  if (!await create(connection, move)) return false;
  const given = { keys: [from!], args: [now!, write!, ...left] };
  if (isDone(await connection.finishing().run(SETTLE, given))) return true;
  // The session was ended through the list during the move.
  await undo();
  return false;
}

/** Returns the placeholder of a record that is being moved, and its milliseconds to live. */
function placeholderOf({ args }: Move, listed = ""): string[] {
  return [`${MOVING}${args[2]} ${listed}`, MOVE_TIME];
}

/** Replaces the old record with `text`: a trace or a placeholder, and its milliseconds to live. */
async function overwrite(
  connection: Connection,
  { keys: [from], args }: Move,
  { text }: { readonly text: readonly string[] },
): Promise<boolean> {
  const given = { keys: [from!], args: [...args.slice(0, 3), ...text] };
  return isDone(await connection.run(WRITE.alone, given));
}

async function create(connection: Connection, { keys: [, to], args }: Move): Promise<boolean> {
  const [now, _version, ...rest] = args;
  return isDone(await connection.run(WRITE.alone, { keys: [to!], args: [now!, "", ...rest] }));
}
