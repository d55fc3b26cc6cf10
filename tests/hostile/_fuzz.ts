import type fc from "fast-check";

/** What reads what a client may have made up, and a property that it has for whatever there is. */
export interface FuzzTarget {
  readonly name: string;
  /** Mistakes that the property must find. */
  readonly planted: readonly string[];
  /** The property, of the real thing or of one with a mistake. */
  property(planted?: string): fc.IAsyncProperty<unknown[]>;
}

/** What happens to a text. */
export interface Damage {
  readonly kind: "change" | "insert" | "delete" | "cut" | "repeat" | "swap";
  /** Where: as a part of its length or, below 0, so many characters from its end. */
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

/** Damages a text or bytes that stand as one character each. */
export function damage(text: string, { kind, at, length, text: other }: Damage): string {
  const from = at < 0 ? Math.max(0, text.length + at) : Math.floor(at * text.length);
  const to = Math.min(text.length, from + length);
  switch (kind) {
    case "change":
      return text.slice(0, from) + other + text.slice(from + other.length);
    case "insert":
      return text.slice(0, from) + other + text.slice(from);
    case "delete":
      return text.slice(0, from) + text.slice(to);
    case "cut":
      return text.slice(0, from);
    case "repeat":
      return text.slice(0, to) + text.slice(from);
    case "swap":
      return text.slice(0, from) + [...text.slice(from, to)].reverse().join("") + text.slice(to);
  }
}
