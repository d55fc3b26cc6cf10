import type { SessionRecord } from "../../src/record/record.ts";
import { andThen, type Awaitable } from "../../src/util/awaitable.ts";
import { LARGEST_COOKIE } from "../../src/util/cookie_limits.ts";
import type { CookieFormat, OpenedCookie } from "./format.ts";
import { Memo } from "./memo.ts";
import { epochOf, withoutEpoch } from "./revocation/epoch.ts";
import { assertSize } from "./size.ts";

/** What {@linkcode CookieValues} are given. */
export interface CookieValuesOptions {
  readonly cookieName: string;
  readonly chunks: number;
  /** How many opened values are remembered. */
  readonly memo: number;
  /** Whether records have epochs that nobody else is to see. */
  readonly epochs: boolean;
}

/** Seals records into the values of a cookie, and opens them; what was opened lately is remembered. */
export class CookieValues {
  readonly #format: CookieFormat;
  readonly #options: CookieValuesOptions;
  readonly #memos = new WeakMap<object, Memo<SessionRecord>>();
  readonly #outdated = new WeakSet<SessionRecord>();
  /** The epochs of records that have left the first one behind. */
  readonly #epochs = new WeakMap<SessionRecord, number>();

  constructor(format: CookieFormat, options: CookieValuesOptions) {
    this.#format = format;
    this.#options = options;
  }

  /** The record in a value. */
  open(value: string, c: unknown): Awaitable<SessionRecord | undefined> {
    const { cookieName, chunks } = this.#options;
    if (value.length > chunks * LARGEST_COOKIE) return undefined;
    const memo = this.#memo(c);
    const known = memo.get(value);
    // It is handed out again and again.
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

  /** A record that was opened, with its epoch. */
  whole(record: SessionRecord): SessionRecord {
    const epoch = this.#epochs.get(record);
    return epoch === undefined ? record : { ...record, epoch };
  }

  /** Whether a record that was opened lies under an older key. */
  isOutdated(record: SessionRecord): boolean {
    return this.#outdated.has(record);
  }

  /**
   * The value of a record.
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
