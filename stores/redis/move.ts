import type { SessionRecord } from "../../src/record/record.ts";
import type { StoreReplacement } from "../../src/store/contract.ts";
import type { Connection } from "./connection.ts";
import { REMOVE, SETTLE, WRITE } from "./scripts.ts";
import { toMoving } from "./value.ts";
import { isDone } from "./write.ts";

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
  return await leave(connection, move) && await create(connection, move);
}

async function createFirst(connection: Connection, move: Move): Promise<boolean> {
  if (!await create(connection, move)) return false;
  if (await leave(connection.finishing(), move)) return true;
  await move.undo();
  return false;
}

/** Moves a record that stays in its subject's list during the move. */
async function moveListed(connection: Connection, move: Move): Promise<boolean> {
  const { keys: [from], args, left, next, previous, undo } = move;
  const [keys, given] = [[from!], args.slice(0, 3)];
  const removal = { keys, args: [...given, toMoving(previous, next.left?.trace)] };
  if (!isDone(await connection.run(REMOVE, removal))) return false;
  if (!await create(connection, move)) return false;
  const finishing = connection.finishing();
  if (isDone(await finishing.run(SETTLE, { keys, args: [...given, ...left] }))) return true;
  // The session was ended through the list during the move.
  await undo();
  return false;
}

/** Replaces the old record with the trace. */
async function leave(connection: Connection, { keys: [from], args, left }: Move): Promise<boolean> {
  const given = args.slice(0, 3);
  return isDone(
    left[0] === ""
      ? await connection.run(REMOVE, { keys: [from!], args: given })
      : await connection.run(WRITE.alone, { keys: [from!], args: [...given, ...left] }),
  );
}

async function create(connection: Connection, { keys: [, to], args }: Move): Promise<boolean> {
  const [now, _version, ...rest] = args;
  return isDone(await connection.run(WRITE.alone, { keys: [to!], args: [now!, "", ...rest] }));
}
