/** One value of every kind, and the numbers that are none. */
export const VALUES: Record<string, unknown> = {
  "null": null,
  "true": true,
  "false": false,
  "0": 0,
  "1": 1,
  "0.5": 0.5,
  "-1": -1,
  "1e300": 1e300,
  "NaN": NaN,
  "Infinity": Infinity,
  "-Infinity": -Infinity,
  "1n": 1n,
  "a symbol": Symbol("x"),
  "an empty text": "",
  "a text": "some",
  "a number as text": "60",
  "an array": [],
  "an array of text": ["some"],
  "an object": {},
  "a function": () => ({}),
  "an async function": async () => await {},
  "a promise": Promise.resolve({}),
};

export type ValueName = keyof typeof VALUES;

/** Whether a text has a name in it, as a word of its own. */
export function hasName(text: string, name: string): boolean {
  return text.split(/[^\w.]+/).some((word) => word === name || word.startsWith(`${name}.`));
}
