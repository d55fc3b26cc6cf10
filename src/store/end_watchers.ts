import { isGivenReason } from "../record/end_reason.ts";
import type { OnSessionEnd } from "./contract.ts";

/** The length of a key. */
const KEY_LENGTH = 43;

/** Receives a message: a key, which may have a prefix, a space, and the reason if it is known. */
export type ReceiveEnd = (message: unknown) => void;

/** Ends a subscription. */
export type Unsubscribe = () => unknown;

/** The watchers of a store that is notified of ends. They share one subscription, as long as there are any. */
export class EndWatchers {
  readonly #watchers = new Set<OnSessionEnd>();
  #subscribing: Promise<Unsubscribe> | undefined;

  /**
   * Notifies a watcher from now on; returns a function that stops it.
   *
   * @param subscribe Subscribes to the messages, unless that was done for another watcher.
   */
  async add(
    onEnd: OnSessionEnd,
    subscribe: (receive: ReceiveEnd) => Promise<Unsubscribe>,
  ): Promise<() => Promise<void>> {
    const watcher: OnSessionEnd = (key, reason) => onEnd(key, reason);
    this.#watchers.add(watcher);
    const subscribing = this.#subscribing ??= subscribe((message) => this.#receive(`${message}`));
    const stop = async () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0 || this.#subscribing !== subscribing) return;
      this.#subscribing = undefined;
      await (await subscribing)();
    };
    return await subscribing.then(() => stop, async (error) => {
      await stop();
      throw error;
    });
  }

  #receive(message: string): void {
    const end = message.lastIndexOf(" ");
    const key = message.slice(0, end).slice(-KEY_LENGTH);
    const reason = message.slice(end + 1);
    for (const watcher of this.#watchers) watcher(key, isGivenReason(reason) ? reason : undefined);
  }
}
