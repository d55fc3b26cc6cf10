import type { SessionRecord } from "../../src/record/record.ts";
import type { StoreReplacement } from "../../src/store/contract.ts";
import type { Connection } from "./connection.ts";
import { REMOVE, SETTLE, WRITE } from "./scripts.ts";
import { isDone } from "./subjects.ts";
import { toMoving } from "./value.ts";

/** A move of a record from one node of a cluster to another. */
export interface Move {
  /** Where the record is, and where it goes. */
  readonly keys: readonly string[];
  /** What a script is given to write the record: now, previous version, write, record, milliseconds to live. */
  readonly args: readonly string[];
  /** What is left where it was, and its milliseconds to live; two empty texts for nothing. */
  readonly left: readonly string[];
  readonly next: StoreReplacement;
  readonly previous: SessionRecord;
  /** Deletes the record where it was moved to. */
  readonly undo: () => Promise<void>;
}

/** Moves a record in several steps; `false` when it is gone or has another version. */
export async function moveInSteps(connection: Connection, move: Move): Promise<boolean> {
  const { next: { left }, previous } = move;
  // What leads to the session must not be there before it.
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

/** Moves a record that its subject's list shows until it has moved. */
async function moveListed(connection: Connection, move: Move): Promise<boolean> {
  const { keys: [from], args, left, next, previous, undo } = move;
  const [keys, given] = [[from!], args.slice(0, 3)];
  const removal = { keys, args: [...given, toMoving(previous, next.left?.trace)] };
  if (!isDone(await connection.run(REMOVE, removal))) return false;
  if (!await create(connection, move)) return false;
  const finishing = connection.finishing();
  if (isDone(await finishing.run(SETTLE, { keys, args: [...given, ...left] }))) return true;
  // Who found it in the list has ended it while it moved.
  await undo();
  return false;
}

/** Puts what is left in place of the record. */
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
