/** Which session each request has found to be nobody's, so that its deletion need not look for a list. */
export class Unbound {
  readonly #keys = new WeakMap<object, string>();

  add(key: string, c: unknown): void {
    if (isObject(c)) this.#keys.set(c, key);
  }

  has(key: string, c: unknown): boolean {
    return isObject(c) && this.#keys.get(c) === key;
  }

  delete(c: unknown): void {
    if (isObject(c)) this.#keys.delete(c);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
