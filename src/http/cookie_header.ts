/** The number of cookies of the same name that are read. */
const MOST_VALUES = 3;

const NONE: readonly string[] = [];

/**
 * Returns the first distinct values of the cookies of a name: a browser sends one for each path and domain that
 * it has a cookie for. Names are compared byte by byte, and the header is scanned once.
 */
export function findAll(header: string, name: string): readonly string[] {
  if (!header.includes(name)) return NONE;
  let values = NONE;
  for (let from = 0; from < header.length && values.length < MOST_VALUES;) {
    const end = header.indexOf(";", from);
    const until = end < 0 ? header.length : end;
    while (from < until && isSpace(header, from)) from++;
    if (header.startsWith(name, from) && header[from + name.length] === "=") {
      const value = valueOf(header.slice(from + name.length + 1, until));
      // A list with one item takes less memory than a growing list.
      if (values === NONE) values = [value];
      else if (!values.includes(value)) values = [...values, value];
    }
    from = until + 1;
  }
  return values;
}

const TAB = 9;
const SPACE = 32;

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === SPACE || code === TAB;
}

/** Returns the value of a pair, trimmed, without quotes, and percent-decoded. */
function valueOf(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text, end - 1)) end--;
  let start = 0;
  while (start < end && isSpace(text, start)) start++;
  if (end - start > 1 && text[start] === '"' && text[end - 1] === '"') {
    [start, end] = [start + 1, end - 1];
  }
  const value = text.slice(start, end);
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
