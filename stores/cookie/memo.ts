/**
 * A cache of the most recently used values, in two generations. When the younger generation reaches half of the
 * limit, it becomes the older one, and the previous older one is dropped.
 */
export class Memo<Value> {
  readonly #most: number;
  readonly #generation: number;
  #younger = new Map<string, Value>();
  #older = new Map<string, Value>();

  constructor(most: number) {
    this.#most = most;
    this.#generation = Math.max(Math.floor(most / 2), 1);
  }

  get(key: string): Value | undefined {
    const value = this.#younger.get(key);
    if (value !== undefined) return value;
    const older = this.#older.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: string, value: Value): void {
    if (this.#most === 0) return;
    if (this.#younger.size >= this.#generation) {
      this.#older = this.#most > 1 ? this.#younger : new Map();
      this.#younger = new Map();
    }
    this.#younger.set(key, value);
  }
}
