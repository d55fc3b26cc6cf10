import { unref } from "./runtime.ts";

/** Pauses that end early when all of them are stopped, and don't keep the process alive. */
export class StoppableTimers {
  readonly #running = new Set<() => void>();
  #areStopped = false;

  get areStopped(): boolean {
    return this.#areStopped;
  }

  /** Waits; not at all when they are stopped. */
  pause(milliseconds: number): Promise<void> {
    if (this.#areStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#running.delete(end);
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      unref(timer);
      this.#running.add(end);
    });
  }

  stop(): void {
    this.#areStopped = true;
    for (const end of this.#running) end();
  }
}
