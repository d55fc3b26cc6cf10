import { storeTable } from "../../src/store/store_options.ts";
import type { Awaitable } from "../../src/util/awaitable.ts";
import type { Clock } from "../../src/util/clock.ts";
import { insteadOf, refuse } from "../../src/util/option_errors.ts";
import { checkTable } from "../../src/util/option_table.ts";
import { ANY, STRING, SYNC_FUNCTION } from "../../src/util/shapes.ts";
import { isDocument, MISTAKEN_DOCUMENTS } from "./document.ts";
import { RESERVED_NAMES } from "./item.ts";
import type { Layout } from "./layout.ts";
import type { DynamoDbDocumentLike } from "./like.ts";

/** The longest `attributePrefix` that fits into an item with the largest record. */
const MAX_PREFIX = 50;

/** Sample keys to test the option `key`. */
const [SAMPLE_KEY, OTHER_SAMPLE_KEY] = ["A".repeat(43), "B".repeat(43)] as const;

/**
 * Options of {@linkcode DynamoDbStore}.
 *
 * @example A table with another layout and other items
 * ```ts
 * import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
 * import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
 * import { DynamoDbStore, type DynamoDbStoreOptions } from "@x/hono-session/stores/dynamodb";
 *
 * const client = new DynamoDBClient({ region: "eu-central-1" });
 * const options: DynamoDbStoreOptions = {
 *   document: DynamoDBDocument.from(client),
 *   tableName: "my-app",
 *   key: (key) => ({ PK: `SESSION#${key}`, SK: "SESSION" }),
 *   expiresAttr: "ttl",
 *   attributePrefix: "session_",
 * };
 * new DynamoDbStore(options);
 * client.destroy();
 * ```
 */
export interface DynamoDbStoreOptions {
  /**
   * The `DynamoDBDocument` of `@aws-sdk/lib-dynamodb`. The application closes its client.
   *
   * Or a function that returns it for the Hono context, such as `(c) => c.get("document")`; outside of a
   * request `c` is `undefined`. It is called for each operation, so it must return an existing document instead
   * of creating one.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its context.
  document: DynamoDbDocumentLike | ((c: any) => Awaitable<DynamoDbDocumentLike>);
  /** The name of the table. It must exist, with string keys unless `key` returns others. */
  tableName: string;
  /**
   * The attribute that is the partition key of the table. It holds `prefix`, `session:` and the key of the session.
   *
   * @default {"pk"}
   */
  primaryKey?: string;
  /**
   * The prefix of all partition keys. It separates applications that share a table.
   *
   * @default {""}
   */
  prefix?: string;
  /**
   * The attribute that is the sort key of the table, commonly `"sk"`. It holds `session`.
   *
   * With it the sessions of a subject can be listed and ended: under `prefix`, `subject:` and the subject, the
   * table then also holds an item for each of its sessions, and for a day after all were ended, an item that
   * records this.
   *
   * @default {none, for a table without a sort key}
   */
  sortKey?: string;
  /**
   * The attribute with the expiry of the session in whole epoch seconds, rounded up. Set it as the time-to-live
   * attribute of the table, so that DynamoDB deletes expired sessions.
   *
   * @default {"expires"}
   */
  expiresAttr?: string;
  /**
   * The prefix of the names of all other attributes, at most 50 characters: for a table with an index over an
   * attribute of another type with a name such as `createdAt` or `expiresAt`. It is not added to the names of
   * the keys and `expiresAttr`.
   *
   * @default {""}
   */
  attributePrefix?: string;
  /**
   * Returns all key attributes of the item of a session, for tables that `primaryKey` and `sortKey` don't fit.
   * It must return the same attributes for the same key; the constructor tests it with sample keys. With this
   * option the sessions of a subject can't be listed.
   *
   * @param key The key of the session, a text of 43 characters.
   */
  key?: (key: string) => Record<string, unknown>;
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

const OPTIONS = storeTable("DynamoDbStore", {
  shapes: {
    document: ANY,
    tableName: STRING,
    primaryKey: STRING,
    prefix: STRING,
    sortKey: STRING,
    expiresAttr: STRING,
    attributePrefix: STRING,
    key: SYNC_FUNCTION,
  },
  instead: { client: "use document: DynamoDBDocument.from(client)" },
  mistakes: [[isDocument, "write { document, tableName }"]],
});

/**
 * Checks options and returns their layout.
 *
 * @throws {TypeError} When they are invalid.
 */
export function layoutOf(options: DynamoDbStoreOptions): Layout {
  checkTable(OPTIONS, options);
  const { document, tableName, sortKey, expiresAttr = "expires", attributePrefix = "", key } =
    options;
  const instead = insteadOf(document, MISTAKEN_DOCUMENTS);
  if (instead) refuse("document", instead, OPTIONS);
  if (typeof document !== "function" && !isDocument(document)) {
    const state =
      "a DynamoDBDocument of @aws-sdk/lib-dynamodb is required, or a function that finds one";
    refuse("document", state, OPTIONS);
  }
  checkName("tableName", tableName);
  if (attributePrefix.length > MAX_PREFIX) {
    refuse("attributePrefix", `at most ${MAX_PREFIX} characters are possible`, OPTIONS);
  }
  const nameOf = (member: string) => attributePrefix + member;
  const taken = RESERVED_NAMES.map(nameOf);
  if (key === undefined) {
    const { primaryKey = "pk", prefix = "" } = options;
    const names = { primaryKey, sortKey, expiresAttr };
    checkNames(Object.entries(names), taken);
    const toPrimary = (key: string) => ({ [primaryKey]: `${prefix}session:${key}` });
    if (sortKey === undefined) return { expiresAttr, nameOf, toKey: toPrimary };
    const toKey = (key: string) => ({ ...toPrimary(key), [sortKey]: "session" });
    return { expiresAttr, nameOf, toKey, index: { prefix, primaryKey, sortKey } };
  }
  if ([options.primaryKey, options.prefix, sortKey].some((option) => option !== undefined)) {
    refuse("key", "it excludes primaryKey, prefix and sortKey", OPTIONS);
  }
  const names = Object.keys(key(SAMPLE_KEY) ?? {});
  if (names.length === 0) refuse("key", "it returns no attributes", OPTIONS);
  checkNames([...names.map((name) => ["key", name] as const), ["expiresAttr", expiresAttr]], taken);
  if (JSON.stringify(key(SAMPLE_KEY)) === JSON.stringify(key(OTHER_SAMPLE_KEY))) {
    refuse("key", "it returns the same attributes for all sessions", OPTIONS);
  }
  return { expiresAttr, nameOf, toKey: key };
}

/** Checks that all attributes have different names. */
function checkNames(
  names: (readonly [option: string, name: string | undefined])[],
  reserved: readonly string[],
): void {
  const taken = new Set(reserved);
  for (const [option, name] of names) {
    if (name === undefined) continue;
    checkName(option, name);
    if (taken.has(name)) {
      const state = `the attribute name "${name}" is already taken; choose another one`;
      refuse(option, reserved.includes(name) ? `${state}, or set attributePrefix` : state, OPTIONS);
    }
    taken.add(name);
  }
}

function checkName(option: string, name: unknown): void {
  if (typeof name !== "string" || name === "") refuse(option, "a name is required", OPTIONS);
}
