const LONGEST = 40;

/** A name as it was typed, and what is wrong with it, if anything. */
export interface DisplayName {
  readonly typed: string;
  /** Without the space around it. */
  readonly name: string;
  readonly error: string | undefined;
}

/** Reads a name out of a form field. */
export function readDisplayName(field: unknown): DisplayName {
  const typed = typeof field === "string" ? field : "";
  const name = typed.trim();
  return { typed, name, error: findError(name) };
}

function findError(name: string): string | undefined {
  if (name === "") return "Enter a name.";
  const length = [...name].length;
  if (length > LONGEST) return `Use at most ${LONGEST} characters. These are ${length}.`;
  return undefined;
}
