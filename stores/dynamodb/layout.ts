/** The layout of sessions in a table. */
export interface Layout {
  readonly expiresAttr: string;
  /** Returns the name of the attribute of a member. */
  nameOf(member: string): string;
  /** Returns the key attributes of the item of a session. */
  toKey(key: string): Record<string, unknown>;
  /** The names of the key attributes, if the table can hold the entries of subjects. */
  readonly index?: IndexLayout;
}

/** The names of the partition key and the sort key of a table, and the prefix of partitions. */
export interface IndexLayout {
  readonly prefix: string;
  readonly primaryKey: string;
  readonly sortKey: string;
}
