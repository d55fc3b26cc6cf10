import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import { joinMembers, parseMembers, type SessionRecord } from "../../src/record/record.ts";
import { parseHeld, serializeValue } from "../../src/record/serialize.ts";
import { isPromiseLike } from "../../src/util/awaitable.ts";
import { refuse } from "../../src/util/option_errors.ts";
import { checkTable } from "../../src/util/option_table.ts";
import { SYNC_FUNCTION } from "../../src/util/shapes.ts";
import { CookieStore, type CookieStoreOptions } from "./cookie_store.ts";
import type { CookieContext, CookieFormat, OpenedCookie } from "./format.ts";
import { cookieTable } from "./options.ts";
import { fromReadable, toReadable } from "./readable.ts";

const OPTIONS = cookieTable("UnsignedCookieStore", {
  shapes: { parse: SYNC_FUNCTION },
  instead: { secret: "use SignedCookieStore", keys: "use SignedCookieStore" },
  mistakes: [[(value) => typeof value === "function", "write { parse }"]],
});

const KEYS = {};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Options of {@linkcode UnsignedCookieStore}.
 *
 * @example Usage
 * ```ts
 * import { UnsignedCookieStore, type UnsignedCookieStoreOptions } from "@x/hono-session/stores/cookie";
 *
 * const options: UnsignedCookieStoreOptions = {
 *   parse(text) {
 *     const { theme } = JSON.parse(text);
 *     if (theme !== "light" && theme !== "dark") throw new TypeError("no such theme");
 *     return { theme };
 *   },
 * };
 * new UnsignedCookieStore(options);
 * ```
 */
export interface UnsignedCookieStoreOptions extends CookieStoreOptions {
  /**
   * Validates the data, including flashed values: any client can forge them. It returns the data of the
   * session; when it throws, the session is empty. A subject and confirmations in the cookie are always ignored.
   *
   * @param text The JSON of the data.
   */
  parse(text: string): object;
}

/**
 * Keeps sessions in cookies that the client can read **and write**: for a theme or a language, never for an
 * identity. Clients can forge the data and the lifetime, so `parse` must validate the data.
 *
 * A value is base64url of JSON.
 *
 * @example Usage
 * ```ts
 * import { UnsignedCookieStore } from "@x/hono-session/stores/cookie";
 * import { session } from "@x/hono-session";
 *
 * const store = new UnsignedCookieStore({
 *   parse: (text) => ({ theme: JSON.parse(text).theme === "dark" ? "dark" : "light" }),
 * });
 * session<{ theme?: string }>({ store });
 * ```
 */
export class UnsignedCookieStore extends CookieStore {
  /**
   * Checks the options.
   *
   * @param options The validation of the data, and other options.
   * @throws {TypeError} When there is no `parse`, or another option is unknown or of the wrong kind.
   */
  constructor(options: UnsignedCookieStoreOptions) {
    checkTable(OPTIONS, options);
    const { parse, ...common } = options;
    if (!parse) refuse("parse", "it is required, because clients can forge the data", OPTIONS);
    super(new UnsignedFormat(parse), common);
  }
}

class UnsignedFormat implements CookieFormat {
  readonly anonymous = true;
  readonly #parse: (text: string) => object;

  constructor(parse: (text: string) => object) {
    this.#parse = parse;
  }

  keys(): object {
    return KEYS;
  }

  seal(record: SessionRecord, _context: CookieContext): string {
    return toBase64Url(encoder.encode(toReadable(record)));
  }

  open(value: string, _context: CookieContext): OpenedCookie | undefined {
    const bytes = fromBase64Url(value);
    const record = bytes && fromReadable(decoder.decode(bytes));
    if (!record) return undefined;
    const { subject: _, subjectAt: __, generation: ___, confirmed: ____, flash = "{}", ...rest } =
      record;
    let isLate = false;
    try {
      const flashed = parseHeld(flash);
      const shown = { ...parseHeld(rest.data), ...flashed };
      const parsed = this.#parse(JSON.stringify(shown));
      isLate = isPromiseLike(parsed);
      const checked = parseMembers(serializeValue(parsed, "session"));
      const data = new Map(checked);
      for (const key of Object.keys(flashed)) data.delete(key);
      const kept = new Map([...checked].filter(([key]) => Object.hasOwn(flashed, key)));
      const texts = {
        data: joinMembers(data),
        ...(kept.size === 0 ? {} : { flash: joinMembers(kept) }),
      };
      return { record: { ...rest, ...texts }, outdated: false };
    } catch {
      if (!isLate) return undefined;
      throw new TypeError("Cannot open session: parse returned a promise, it must be synchronous");
    }
  }
}
