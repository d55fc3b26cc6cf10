import { EndPush, type EndPushOptions } from "./end_push.ts";

/** What {@linkcode EndPushes} are given. */
export interface EndPushesOptions extends Omit<EndPushOptions, "onReady"> {
  /** Whether the store notifies of single records, and not of all. */
  readonly perRecord: boolean;
  /** Called when notifications of a record arrive from now on, or those of all. Earlier ones were missed. */
  onReady(key: string | undefined): void;
}

/** The notifications of a store: one source for all records, or one for each. */
export class EndPushes {
  readonly #options: EndPushesOptions;
  readonly #pushes = new Map<string | undefined, EndPush>();

  constructor(options: EndPushesOptions) {
    this.#options = options;
  }

  /** Has the store notify of a record, unless it does. */
  start(key: string | undefined, c: unknown): void {
    const { perRecord, onReady } = this.#options;
    if (perRecord && key === undefined) return;
    const record = perRecord ? key : undefined;
    let push = this.#pushes.get(record);
    if (!push) {
      push = new EndPush({ ...this.#options, onReady: () => onReady(record) });
      this.#pushes.set(record, push);
    }
    push.start(c, record);
  }

  /** Stops the notifications of a record that is watched no longer. */
  stop(key: string): void {
    this.#pushes.get(key)?.stop();
    this.#pushes.delete(key);
  }

  /** Stops all notifications. */
  stopAll(): void {
    for (const push of this.#pushes.values()) push.stop();
    this.#pushes.clear();
  }
}
