/** The number of cookies of the same name that are read. */
const MOST_VALUES = 3;

const NONE: readonly string[] = [];

/**
 * Returns the first distinct values of the cookies of a name: a browser sends one for each path and domain that
 * it has a cookie for. Names are compared byte by byte, and the header is scanned once.
 */
export function findAll(headers: Headers, name: string): readonly string[] {
  const header = headers.get("cookie");
  if (!header?.includes(name)) return NONE;
  let values = NONE;
  for (let from = 0; from < header.length && values.length < MOST_VALUES;) {
    const end = header.indexOf(";", from);
    let until = end < 0 ? header.length : end;
    const next = until + 1;
    while (isSpace(header[from])) from++;
    if (header.startsWith(name, from) && header[from + name.length] === "=") {
      from += name.length + 1;
      while (isSpace(header[from])) from++;
      while (until > from && isSpace(header[until - 1])) until--;
      const value = decoded(header.slice(from, until));
      // A list with one item takes less memory than a growing list.
      if (values === NONE) values = [value];
      else if (!values.includes(value)) values = [...values, value];
    }
    from = next;
  }
  return values;
}

function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

/** Returns a value without quotes, and percent-decoded. */
function decoded(text: string): string {
  const value = text.replace(/^"(.*)"$/s, "$1");
  if (!value.includes("%")) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
