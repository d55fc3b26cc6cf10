import { SessionEndedError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import type { DeleteAllOptions, ListedSession, ListPage } from "../../src/store/contract.ts";
import { readPage } from "../../src/store/list_order.ts";
import type { Clock } from "../../src/util/clock.ts";
import type { Connection, ScriptArguments } from "./connection.ts";
import { type Entry, keyOf, type ListChange, type Placed, toEntry, toKey } from "./entry.ts";
import { toLegacyOwner } from "./legacy.ts";
import { toOwner } from "./owner.ts";
import { END, ENLIST, LIST, RAISE, STRIKE, type WriteScript } from "./scripts.ts";
import { fromListed } from "./value.ts";

/** How many records are read or ended at a time. */
const BATCH = 100;

/** An entry as it lies in the list of a subject. */
interface ListEntry {
  readonly name: string;
  readonly score: string;
  readonly subjectAt: number;
}

/** What {@linkcode Subjects} are kept with. */
export interface SubjectsOptions {
  readonly prefix: string;
  readonly clock: Clock;
}

/**
 * The lists of the sessions of subjects: for each a sorted set of entries by the ends of the sessions, and their present
 * generation.
 *
 * In a cluster an entry is provisional until its record is there, which the half in its score says. Nobody strikes
 * such an entry because its record is missing.
 */
export class Subjects {
  readonly #prefix: string;
  readonly #clock: Clock;

  constructor({ prefix, clock }: SubjectsOptions) {
    this.#prefix = prefix;
    this.#clock = clock;
  }

  /** What the script of a write is given at the end, to change the lists in the same step. */
  toArguments({ record, entry, binds, gone }: ListChange, provisional = false): ScriptArguments {
    const { subject } = (entry ?? gone)!;
    const left = (gone ?? entry)!.subject;
    const score = Math.ceil(record.expiresAt) - (provisional ? 0.5 : 0);
    const generation = binds ? String(generationOf(record)) : "";
    return {
      keys: [this.#listKey(subject), this.#endedKey(subject), this.#listKey(left)],
      args: [entry?.name ?? "", String(score), generation, record.sid, gone?.name ?? ""],
    };
  }

  /**
   * Writes a record of a cluster and changes the lists. What a crash between two steps leaves is an entry too many,
   * never a record without one.
   *
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   */
  async inSteps(
    connection: Connection,
    change: ListChange,
    write: () => Promise<boolean>,
  ): Promise<boolean> {
    const { entry, binds, gone } = change;
    if (entry) await this.#enlist(connection, { ...change, gone: undefined }, binds);
    if (!await write()) return false;
    const finishing = connection.finishing();
    const isSameList = entry?.subject === gone?.subject;
    if (binds) await this.#confirm(finishing, isSameList ? change : { ...change, gone: undefined });
    if (gone && !isSameList) await this.remove(finishing, gone);
    return true;
  }

  /** Takes an entry off its list. */
  async remove(connection: Connection, { subject, name }: Entry): Promise<void> {
    await connection.send(["ZREM", this.#listKey(subject), name]);
  }

  /** The live sessions of a subject in their order. What the list holds in vain is taken off it. */
  async *list(
    connection: Connection,
    subject: string,
    page: ListPage,
  ): AsyncGenerator<ListedSession> {
    const read = (entries: ListEntry[]) => this.#live(connection, subject, entries);
    yield* readPage(await this.#entries(connection, subject), { page, most: BATCH, read });
  }

  /** All entries of a list, of those that became the subject's last first. */
  async #entries(connection: Connection, subject: string): Promise<ListEntry[]> {
    const given = { keys: [this.#listKey(subject)], args: [this.#now()] };
    const answer = await connection.run(LIST, given) as string[];
    const entries: ListEntry[] = [];
    for (let at = 0; at < answer.length; at += 2) {
      const name = answer[at]!;
      entries.push({ name, score: answer[at + 1]!, subjectAt: parseFloat(name) });
    }
    return entries.sort((one, other) => other.subjectAt - one.subjectAt);
  }

  async #live(
    connection: Connection,
    subject: string,
    entries: readonly ListEntry[],
  ): Promise<Placed[]> {
    const keys = entries.map(({ name }) => keyOf(name));
    const values = await this.#each(connection, keys, (keys) => this.#read(connection, keys));
    const live: Placed[] = [];
    const vain: string[] = [];
    for (const [index, value] of values.entries()) {
      const { name, score } = entries[index]!;
      const key = keys[index]!;
      const record = fromListed(value);
      const entry = record && toEntry(key, record);
      if (entry?.subject === subject && entry.name === name) {
        if (this.#clock() < record!.expiresAt) live.push({ key, record: record! });
      } else if ((record || value === null) && Number.isInteger(Number(score))) {
        vain.push(name, score);
      }
    }
    const list = this.#listKey(subject);
    if (vain.length > 0) await connection.run(STRIKE, { keys: [list], args: vain });
    return live;
  }

  /** The present generation of the sessions of a subject. */
  async generation(connection: Connection, subject: string): Promise<number> {
    return parseInt(String(await connection.send(["GET", this.#endedKey(subject)]) ?? 0));
  }

  /** Ends the sessions of a subject, and answers how many there were. */
  async endAll(
    connection: Connection,
    subject: string,
    { except = "" }: DeleteAllOptions,
  ): Promise<number> {
    const keys = [this.#endedKey(subject)];
    const present = Number(await connection.run(RAISE, { keys, args: [this.#now(), except] }));
    let count = 0;
    const entries = await this.#entries(connection, subject);
    for (let from = 0; from < entries.length; from += BATCH) {
      const live = await this.#live(connection, subject, entries.slice(from, from + BATCH));
      count += await this.#end(
        connection,
        subject,
        live.filter(({ record }) => generationOf(record) < present && record.sid !== except),
      );
    }
    return count;
  }

  /** Deletes records as far as they are still the subject's since the same time, then their entries. */
  async #end(connection: Connection, subject: string, placed: Placed[]): Promise<number> {
    if (placed.length === 0) return 0;
    const counts = await this.#each(connection, placed, async (placed) => [
      await connection.run(END, {
        keys: placed.map(({ key }) => this.#prefix + key),
        args: [
          this.#now(),
          ...placed.flatMap(({ record }) => [toOwner(record), toLegacyOwner(record)]),
        ],
      }),
    ]);
    const names = placed.map(({ key, record }) => toEntry(key, record)!.name);
    await connection.send(["ZREM", this.#listKey(subject), ...names]);
    return counts.reduce((sum: number, count) => sum + Number(count), 0);
  }

  /** Adds an entry, or keeps it for longer. */
  async #enlist(connection: Connection, change: ListChange, provisional: boolean): Promise<void> {
    const { keys, args } = this.toArguments(change, provisional);
    isDone(await connection.run(ENLIST, { keys, args: [this.#now(), ...args] }));
  }

  /** Tells that the record of an entry is there, and ends it if it came too late. */
  async #confirm(connection: Connection, change: ListChange): Promise<void> {
    try {
      await this.#enlist(connection, change, false);
    } catch (error) {
      if (error instanceof SessionEndedError) {
        await this.#end(connection, change.entry!.subject, [change]);
      }
      throw error;
    }
  }

  async #read(connection: Connection, keys: readonly string[]): Promise<unknown[]> {
    const args = ["MGET", ...keys.map((key) => this.#prefix + key)];
    return await connection.send(args, keys.length) as unknown[];
  }

  /** Does something with several records: with all at once, but in a cluster with each. */
  async #each<Item, Result>(
    connection: Connection,
    items: Item[],
    run: (items: Item[]) => Promise<Result[]>,
  ): Promise<Result[]> {
    return await connection.atOnce(
      () => run(items),
      async () => (await Promise.all(items.map((item) => run([item])))).flat(),
    );
  }

  #listKey(subject: string): string {
    return `${this.#prefix}${toKey(subject)}:sessions`;
  }

  #endedKey(subject: string): string {
    return `${this.#prefix}${toKey(subject)}:ended`;
  }

  #now(): string {
    return String(this.#clock());
  }

  /** Writes records and lists: in one step, but in a cluster in several when there is something to list. */
  async write(
    connection: Connection,
    { script, keys, args, change, inSteps }: Write,
  ): Promise<boolean> {
    // Its keys are of one node.
    if (!change && !inSteps) return isDone(await connection.run(script.alone, { keys, args }));
    const alone = async () => isDone(await connection.run(script.alone, { keys, args }));
    if (!change) return await connection.atOnce(alone, inSteps ?? alone);
    const added = this.toArguments(change);
    const given = { keys: [...keys, ...added.keys], args: [...args, ...added.args] };
    return await connection.atOnce(
      async () => isDone(await connection.run(script.listed, given)),
      () => this.inSteps(connection, change, inSteps ?? alone),
    );
  }
}

function generationOf({ generation = 0 }: SessionRecord): number {
  return generation;
}

/**
 * Whether a script has written.
 *
 * @throws {SessionEndedError} When it was not allowed to.
 */
export function isDone(answer: unknown): boolean {
  if (Number(answer) !== -1) return Number(answer) === 1;
  throw new SessionEndedError(
    "Cannot store session: all sessions of its subject were ended; log in again",
  );
}
/** A write of a record, and what it changes in the lists of subjects. */
interface Write extends ScriptArguments {
  readonly script: WriteScript;
  readonly change: ListChange | undefined;
  /** What is done to the records in a cluster, if it is not the script. */
  readonly inSteps?: () => Promise<boolean>;
}
