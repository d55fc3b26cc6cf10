import type { SessionRecord } from "../../src/record/record.ts";
import { KeyValueAdapter } from "../../src/store/key_value_adapter.ts";
import type { Clock } from "../../src/util/clock.ts";
import type { KvEntries } from "./entries.ts";

/**
 * The records in a namespace of Workers KV. A new record is written without a read: its key is random, and
 * Cloudflare would cache for a minute that the key is empty.
 */
export class KvRecords extends KeyValueAdapter {
  readonly #entries: KvEntries;

  constructor(entries: KvEntries, clock: Clock) {
    super(entries, clock);
    this.#entries = entries;
  }

  override async create(key: string, record: SessionRecord, c?: unknown): Promise<boolean> {
    await this.#entries.set(key, record, c);
    return true;
  }
}
