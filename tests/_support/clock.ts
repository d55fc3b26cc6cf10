/** A clock that stands still until it is told. */
export class FakeClock {
  #now: number;

  constructor(now = Date.parse("2030-01-01T00:00:00Z")) {
    this.#now = now;
  }

  readonly now = (): number => this.#now;

  /** Goes on, in seconds. */
  advance(seconds: number): void {
    this.#now += seconds * 1000;
  }
}
