import { SessionEndedError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import type { DeleteAllOptions, ListedSession, ListPage } from "../../src/store/contract.ts";
import { readPage } from "../../src/store/list_order.ts";
import type { Clock } from "../../src/util/clock.ts";
import type { Connection, ScriptArguments } from "./connection.ts";
import { type Entry, keyOf, type ListChange, type Placed, toEntry, toKey } from "./entry.ts";
import { toLegacyOwner } from "./legacy.ts";
import { toOwner } from "./owner.ts";
import { END, ENLIST, LIST, RAISE, STRIKE } from "./scripts.ts";
import { fromListed } from "./value.ts";
import { isDone, type Write } from "./write.ts";

/** The number of records that are read or ended at a time. */
const BATCH = 100;

/** An entry in the list of a subject. */
interface ListEntry {
  readonly name: string;
  readonly score: string;
  readonly subjectAt: number;
}

/** Options of {@linkcode Subjects}. */
export interface SubjectsOptions {
  readonly prefix: string;
  readonly clock: Clock;
}

/**
 * The lists of subjects: for each subject a sorted set of entries by the expiry of their sessions, and its
 * current generation.
 *
 * In a cluster an entry is provisional until its record is stored; its score then has a fraction of one half. A
 * provisional entry is not removed because its record is missing.
 */
export class Subjects {
  readonly #prefix: string;
  readonly #clock: Clock;

  constructor({ prefix, clock }: SubjectsOptions) {
    this.#prefix = prefix;
    this.#clock = clock;
  }

  /** Returns the last arguments of a write script, which change the lists in the same step. */
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
   * Writes a record in a cluster and changes the lists. A crash between two steps leaves an extra entry, never
   * a record without an entry.
   *
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
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

  /** Removes an entry from its list. */
  async remove(connection: Connection, { subject, name }: Entry): Promise<void> {
    await connection.send(["ZREM", this.#listKey(subject), name]);
  }

  /** Lists the live sessions of a subject in order. Entries without a session are removed. */
  async *list(
    connection: Connection,
    subject: string,
    page: ListPage,
  ): AsyncGenerator<ListedSession> {
    const read = (entries: ListEntry[]) => this.#live(connection, subject, entries);
    yield* readPage(await this.#entries(connection, subject), { page, most: BATCH, read });
  }

  /** Reads all entries of a list, most recently bound first. */
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

  /** Returns the current generation of a subject's sessions. */
  async generation(connection: Connection, subject: string): Promise<number> {
    return parseInt(String(await connection.send(["GET", this.#endedKey(subject)]) ?? 0));
  }

  /** Ends the sessions of a subject. Returns their number. */
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

  /** Deletes records whose binding has not changed, then their entries. */
  async #end(connection: Connection, subject: string, placed: Placed[]): Promise<number> {
    if (placed.length === 0) return 0;
    const ended = await this.#each(connection, placed, async (placed) => {
      const owners = placed.flatMap(({ record }) => [toOwner(record), toLegacyOwner(record)]);
      const keys = placed.map(({ key }) => this.#prefix + key);
      const args = [this.#now(), "revoked", ...owners];
      return await connection.run(END, { keys, args }) as string[];
    });
    const names = placed.map(({ key, record }) => toEntry(key, record)!.name);
    await connection.send(["ZREM", this.#listKey(subject), ...names]);
    return ended.length;
  }

  /** Adds or extends an entry. */
  async #enlist(connection: Connection, change: ListChange, provisional: boolean): Promise<void> {
    const { keys, args } = this.toArguments(change, provisional);
    isDone(await connection.run(ENLIST, { keys, args: [this.#now(), ...args] }));
  }

  /** Confirms an entry after its record was stored, and ends the session if the login came too late. */
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

  /** Runs an operation on several records: on all at once, in a cluster on each. */
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

  /** Writes records and lists in one step; in a cluster in several if the lists change. */
  write(connection: Connection, write: Write): Promise<boolean> {
    const { script, change, inSteps } = write;
    // Its keys are on one node.
    if (!change && !inSteps) return connection.run(script.alone, write).then(isDone);
    return this.#writeListed(connection, write);
  }

  async #writeListed(
    connection: Connection,
    { script, keys, args, change, inSteps }: Write,
  ): Promise<boolean> {
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
