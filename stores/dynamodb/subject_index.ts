import type { SessionRecord } from "../../src/record/record.ts";
import type { DeleteAllOptions, ListedSession, ListPage } from "../../src/store/contract.ts";
import { readPage } from "../../src/store/list_order.ts";
import type { Clock } from "../../src/util/clock.ts";
import { chunksOf, deleteTogether, readTogether } from "./batch.ts";
import {
  bindingOf,
  ENTRY_PREFIX,
  partitionOf,
  type Placed,
  sinceOf,
  toBound,
  toKey,
  toSort,
} from "./binding.ts";
import type { Call } from "./call.ts";
import { end } from "./change.ts";
import { raiseGeneration } from "./generation.ts";
import { LISTED_NAMES, toRecord } from "./item.ts";
import type { DynamoDbKeyLike, DynamoDbQueryLike } from "./like.ts";
import type { IndexLayout } from "./layout.ts";
import type { Table } from "./table.ts";

/** The number of entries per page: the number of items that DynamoDB reads or writes in one request. */
const PAGE = 100;

/** The number of sessions that are ended in one transaction. Older servers accept no more. */
const ENDED_TOGETHER = 10;

/** The number of passes over the list, for sessions that moved while others were being ended. */
const LOOKS = 10;

/** An entry in the table. */
interface Entry {
  readonly item: DynamoDbKeyLike;
  readonly sort: string;
  readonly key: string;
  readonly subjectAt: number;
  readonly expiresAt: number;
}

/** Lists the sessions of a subject, and ends them. */
export class SubjectIndex {
  readonly #table: Table;
  readonly #names: IndexLayout;
  readonly #clock: Clock;

  constructor(table: Table, names: IndexLayout, clock: Clock) {
    this.#table = table;
    this.#names = names;
    this.#clock = clock;
  }

  /** Lists the live sessions of a subject in order, without their data. */
  async *list(subject: string, page: ListPage, call: Call): AsyncGenerator<ListedSession> {
    const read = async (entries: Entry[]) => {
      const live = await this.#live(entries, subject, call);
      return live.map(({ key, record: { data: _, ...record } }) => ({ key, record }));
    };
    yield* readPage(this.#entries(subject, page, call), { page, most: PAGE, read });
  }

  /** Ends the sessions of a subject. Returns their number. */
  async deleteAll(subject: string, options: DeleteAllOptions, call: Call): Promise<number> {
    const present = await raiseGeneration(call, subject, { ...options, now: this.#clock() });
    let count = 0;
    for (let look = 1; look <= LOOKS; look++) {
      let found = 0;
      for await (const page of this.#pages(subject, {}, call)) {
        const live = await this.#live(page, subject, call);
        const others = live.filter(({ record: { sid, generation = 0 } }) =>
          sid !== options.except && generation < present
        );
        found += others.length;
        count += await this.#end(others, call);
      }
      // A single pass may miss sessions that move during it.
      if (found === 0 && look > 1) break;
    }
    return count;
  }

  /** Ends the sessions of a page that are still bound to the subject. Returns their number. */
  async #end(sessions: readonly Placed[], call: Call): Promise<number> {
    const bindings = sessions.map((session) => bindingOf(this.#table, session)!);
    const chunks = chunksOf(bindings, ENDED_TOGETHER);
    const ended = (await Promise.all(chunks.map((chunk) => end(call, chunk)))).flat();
    await deleteTogether(call, ended.map(({ entry }) => entry));
    return ended.length;
  }

  async *#entries(subject: string, page: ListPage, call: Call): AsyncGenerator<Entry> {
    for await (const entries of this.#pages(subject, page, call)) yield* entries;
  }

  /** Reads the entries of a subject, most recently bound first. */
  async *#pages(subject: string, page: ListPage, call: Call): AsyncGenerator<Entry[]> {
    let from: Record<string, unknown> | undefined;
    do {
      const input = { ...this.#query(subject, page), ...(from && { ExclusiveStartKey: from }) };
      const { Items = [], LastEvaluatedKey } = await call.document.query(input, call.options);
      yield Items.map((item) => this.#toEntry(item));
      from = LastEvaluatedKey;
    } while (from);
  }

  /** Reads the live sessions of entries. Entries without a session are removed. */
  async #live(entries: readonly Entry[], subject: string, call: Call): Promise<Placed[]> {
    const records = await this.#read(entries, call);
    const now = this.#clock();
    const found: Placed[] = [];
    const stale: Entry[] = [];
    for (const entry of entries) {
      const { key, sort } = entry;
      const record = records.get(key);
      if (
        record && now < record.expiresAt && record.subject === subject &&
        toSort({ key, record }) === sort
      ) {
        found.push({ key, record });
      } else if (record || !records.has(key)) stale.push(entry);
    }
    await this.#prune(stale, call);
    return found;
  }

  /**
   * Reads the existing records by their keys, without data. A record that only a newer version can read is
   * `undefined`.
   */
  async #read(
    entries: readonly Entry[],
    call: Call,
  ): Promise<Map<string, SessionRecord | undefined>> {
    const { layout } = this.#table;
    const { primaryKey } = this.#names;
    const names = [primaryKey, ...LISTED_NAMES.map(layout.nameOf)];
    const keys = new Set(entries.map(({ key }) => key));
    const keyOf = new Map([...keys].map((key) => [layout.toKey(key)[primaryKey], key]));
    const items = await readTogether(call, {
      Keys: [...keys].map((key) => layout.toKey(key)),
      ConsistentRead: true,
      ProjectionExpression: names.map((_, place) => `#${place}`).join(),
      ExpressionAttributeNames: Object.fromEntries(names.map((name, place) => [`#${place}`, name])),
    });
    return new Map(items.map((item) => [
      keyOf.get(item[primaryKey])!,
      toRecord(layout, { ...item, [layout.nameOf("data")]: "{}" }),
    ]));
  }

  /**
   * Removes entries without a session. On a server without transactions, only expired ones are removed: the
   * sessions of the others may be about to be stored.
   */
  async #prune(entries: readonly Entry[], call: Call): Promise<void> {
    const [first, ...rest] = entries;
    if (!first) return;
    // The first one is deleted in a transaction, to find out whether the server supports transactions.
    const isDone = await call.transact([{ Delete: first.item }]);
    const now = this.#clock();
    const others = isDone === undefined
      ? entries.filter(({ expiresAt }) => expiresAt <= now)
      : rest;
    await deleteTogether(call, others.map(({ item }) => item));
  }

  #query(subject: string, { after, limit = PAGE }: ListPage): DynamoDbQueryLike {
    const { primaryKey, sortKey } = this.#names;
    const range = after
      ? { expression: "#sort BETWEEN :prefix AND :bound", values: { ":bound": toBound(after) } }
      : { expression: "begins_with(#sort, :prefix)", values: {} };
    return {
      TableName: this.#table.name,
      KeyConditionExpression: `#partition = :partition AND ${range.expression}`,
      ExpressionAttributeNames: { "#partition": primaryKey, "#sort": sortKey },
      ExpressionAttributeValues: {
        ":partition": partitionOf(this.#table, subject),
        ":prefix": ENTRY_PREFIX,
        ...range.values,
      },
      ConsistentRead: true,
      ScanIndexForward: false,
      // One more item shows whether others were bound at the same time.
      Limit: Math.min(limit + 1, PAGE),
    };
  }

  #toEntry(item: Record<string, unknown>): Entry {
    const { primaryKey, sortKey } = this.#names;
    const sort = String(item[sortKey]);
    return {
      item: {
        TableName: this.#table.name,
        Key: { [primaryKey]: item[primaryKey], [sortKey]: sort },
      },
      sort,
      key: toKey(sort),
      subjectAt: sinceOf(sort),
      expiresAt: Number(item[this.#table.layout.nameOf("expiresAt")]),
    };
  }
}
