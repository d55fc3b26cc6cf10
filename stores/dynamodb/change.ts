import { refuseLateLogin } from "../../src/store/late_login.ts";
import { oldestOf } from "../../src/store/subject_end.ts";
import { type Binding, bindingOf, type Transition } from "./binding.ts";
import type { Call, Mark, Write } from "./call.ts";
import { isAdmitted, isAtMost, isOf } from "./expressions.ts";
import { endOf } from "./generation.ts";
import { toRecord } from "./item.ts";
import type { DynamoDbTransactItemLike } from "./like.ts";

/** Writes of records, and their changes of bindings. */
export interface Change extends Transition {
  /** The writes, in the order for a server without transactions. */
  readonly writes: readonly [Write, ...Write[]];
  /** The write that undoes the first one when a later one is refused. */
  readonly undo?: Write;
  readonly mark?: Mark;
}

/**
 * Makes a change, in one transaction if the server supports it. Returns `false` when it was refused.
 *
 * @throws {SessionEndedError} When all sessions of the subject were ended after the login started.
 */
export async function make(call: Call, change: Change): Promise<boolean> {
  const { writes, mark, begins, ends, lasts } = change;
  // Separately: an entry is never shortened, and its failed condition would cancel the whole transaction.
  if (lasts) await extend(call, lasts);
  const items: DynamoDbTransactItemLike[] = [...writes];
  if (ends) items.push({ Delete: ends.entry });
  if (begins) {
    items.push({ Put: begins.entryPut });
    items.push({ ConditionCheck: { ...begins.present, ...isAdmitted(call.table.layout, begins) } });
  }
  if (items.length === 1) return await call.write(writes[0], { mark });
  const present = begins && items.length - 1;
  return await call.transact(items, { mark, present }) ??
    await makeInSteps(call, change);
}

/**
 * Makes a change on a server without transactions. After a crash at any step no session lacks an entry: the
 * entry is written first and removed last. The current generation is read after the session was stored: either
 * it shows a concurrent `deleteAll`, or that `deleteAll` finds the session.
 */
async function makeInSteps(
  call: Call,
  { writes, undo, mark, begins, ends }: Change,
): Promise<boolean> {
  if (begins) {
    await extend(call, begins);
    if (await isEnded(call, begins)) refuseLateLogin();
  }
  for (const write of writes) {
    if (await call.write(write, { mark })) continue;
    if (undo && write !== writes[0]) await call.write(undo);
    return false;
  }
  const isLate = begins !== undefined && await isEnded(call, begins);
  const over = isLate ? await end(call, [begins]) : [];
  for (const { entry } of ends ? [...over, ends] : over) await call.write({ Delete: entry });
  if (isLate) refuseLateLogin();
  return true;
}

/** Extends the entry of a session to the life of the session. It is never shortened. */
async function extend(
  call: Call,
  { entryPut, expiresAt }: Binding,
): Promise<void> {
  const condition = isAtMost(call.table.layout, { name: "expiresAt", limit: expiresAt });
  await call.write({ Put: { ...entryPut, ...condition } });
}

/** Deletes a record, then its entry. */
export async function remove(call: Call, key: string): Promise<void> {
  const { table } = call;
  const item = table.itemOf(key);
  if (!table.layout.index) {
    await call.write({ Delete: item });
    return;
  }
  const record = toRecord(table.layout, await call.take(item));
  const binding = record && bindingOf(table, { key, record });
  if (binding) await call.write({ Delete: binding.entry });
}

/**
 * Ends sessions that are still bound to their subject, and leaves their entries. In a transaction, one that is
 * not bound makes the others fail.
 *
 * @returns The sessions that were ended.
 */
export async function end(call: Call, bindings: readonly Binding[]): Promise<readonly Binding[]> {
  const { layout } = call.table;
  const writes = bindings.map(({ item, subject }) => ({
    Delete: { ...item, ...isOf(layout, subject) },
  }));
  const isDone = await call.transact(writes);
  if (isDone !== undefined) return isDone ? bindings : [];
  const done = await Promise.all(writes.map((write) => call.write(write)));
  return bindings.filter((_, place) => done[place]);
}

async function isEnded(call: Call, { present, generation, sid }: Binding): Promise<boolean> {
  return generation < oldestOf(endOf(call.table.layout, await call.get(present)), sid);
}
