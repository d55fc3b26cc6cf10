/** How sessions lie in a table. */
export interface Layout {
  readonly expiresAttr: string;
  /** The name of the attribute that holds a member of a record, or what else the store keeps. */
  nameOf(member: string): string;
  /** The key attributes of the item of a session. */
  toKey(key: string): Record<string, unknown>;
  /** The names of the key attributes, where the table can hold what belongs to a subject. */
  readonly index?: IndexLayout;
}

/** The names of the partition key and the sort key of a table, and what partitions begin with. */
export interface IndexLayout {
  readonly prefix: string;
  readonly primaryKey: string;
  readonly sortKey: string;
}
