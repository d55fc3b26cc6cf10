/** Holds requests at a place until a test lets them go on. */
export class Gate {
  readonly #arrivals: (() => void)[] = [];
  readonly #opened = Promise.withResolvers<void>();
  #arrived = 0;

  /** Called by who is to wait. */
  async pass(): Promise<void> {
    this.#arrived++;
    for (const notice of this.#arrivals.splice(0)) notice();
    await this.#opened.promise;
  }

  /** Resolves when so many wait. */
  async arrived(count = 1): Promise<void> {
    while (this.#arrived < count) {
      await new Promise<void>((resolve) => this.#arrivals.push(resolve));
    }
  }

  open(): void {
    this.#opened.resolve();
  }
}
