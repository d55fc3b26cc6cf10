import type { SessionRecord } from "../../src/record/record.ts";
import { andThen, type Awaitable } from "../../src/util/awaitable.ts";
import { LARGEST_COOKIE } from "../../src/util/cookie_limits.ts";
import type { CookieFormat, OpenedCookie } from "./format.ts";
import { Memo } from "./memo.ts";
import { epochOf, withoutEpoch } from "./revocation/epoch.ts";
import { assertSize } from "./size.ts";

/** Options of {@linkcode CookieValues}. */
export interface CookieValuesOptions {
  readonly cookieName: string;
  readonly chunks: number;
  /** The number of cached values. */
  readonly memo: number;
  /** Whether records have internal epochs. */
  readonly epochs: boolean;
}

/** Seals records into the values of a cookie, and opens them. Recently opened values are cached. */
export class CookieValues {
  readonly #format: CookieFormat;
  readonly #options: CookieValuesOptions;
  readonly #memos = new WeakMap<object, Memo<SessionRecord>>();
  readonly #outdated = new WeakSet<SessionRecord>();
  /** The epochs of opened records, if they are not 0. */
  readonly #epochs = new WeakMap<SessionRecord, number>();

  constructor(format: CookieFormat, options: CookieValuesOptions) {
    this.#format = format;
    this.#options = options;
  }

  /** Returns the record in a value. */
  open(value: string, c: unknown): Awaitable<SessionRecord | undefined> {
    const { cookieName, chunks } = this.#options;
    if (value.length > chunks * LARGEST_COOKIE) return undefined;
    const memo = this.#memo(c);
    const known = memo.get(value);
    // The record is shared between calls.
    if (known) return Object.freeze(known);
    const opened = this.#format.open(value, { cookieName, c });
    return andThen(opened, CookieValues.#remember, { values: this, value, memo });
  }

  static #remember(
    opened: OpenedCookie | undefined,
    { values, value, memo }: { values: CookieValues; value: string; memo: Memo<SessionRecord> },
  ): SessionRecord | undefined {
    if (!opened) return undefined;
    const { record: sealed, outdated } = opened;
    const epoch = values.#options.epochs ? epochOf(sealed) : 0;
    const record = epoch === 0 ? sealed : withoutEpoch(sealed);
    const remembered = { ...record };
    memo.set(value, remembered);
    if (outdated) values.#outdated.add(record).add(remembered);
    if (epoch > 0) values.#epochs.set(record, epoch).set(remembered, epoch);
    return record;
  }

  /** Returns an opened record with its epoch. */
  whole(record: SessionRecord): SessionRecord {
    const epoch = this.#epochs.get(record);
    return epoch === undefined ? record : { ...record, epoch };
  }

  /** Checks whether an opened record was sealed with an older key. */
  isOutdated(record: SessionRecord): boolean {
    return this.#outdated.has(record);
  }

  /**
   * Seals a record.
   *
   * @throws {SessionTooLargeError} When a browser would not keep the cookie.
   */
  seal(record: SessionRecord, c: unknown): Awaitable<string> {
    const { cookieName } = this.#options;
    const sealed = this.#format.seal(record, { cookieName, c });
    return andThen(sealed, CookieValues.#measure, { values: this, record });
  }

  static #measure(
    value: string,
    { values, record }: { values: CookieValues; record: SessionRecord },
  ): string {
    assertSize(value, record, values.#options);
    return value;
  }

  #memo(c: unknown): Memo<SessionRecord> {
    const keys = this.#format.keys(c);
    const known = this.#memos.get(keys);
    if (known) return known;
    const memo = new Memo<SessionRecord>(this.#options.memo);
    this.#memos.set(keys, memo);
    return memo;
  }
}
