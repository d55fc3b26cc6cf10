/** A figure, what it is of and its unit. */
export interface Finding {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}
