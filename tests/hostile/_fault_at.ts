import type { SessionStore } from "@x/hono-session";
import { FaultyStore, type StoreFault, type StoreOperation } from "@x/hono-session/testing";
import { MapStore } from "@x/hono-session/stores/map";
import { Gate } from "../_support/gate.ts";

/** What can happen to one call. `"late success"`: it is done when nobody waits for it any more. */
const FAULTS = [
  "fail",
  "late",
  "hang",
  "late success",
  "tear",
  "stale",
  "refuse",
  "deny",
  "lose",
] as const;

export type Fault = typeof FAULTS[number];

/** What can happen to an operation. */
export function faultsOf(operation: StoreOperation): Fault[] {
  const probe = new FaultyStore(new MapStore());
  return FAULTS.filter((fault) => {
    try {
      probe.inject(operation, toStoreFault(fault, () => {}));
      return true;
    } catch {
      return false;
    }
  });
}

function toStoreFault(fault: Fault, wait: () => unknown): StoreFault {
  return fault === "late success" ? wait : fault;
}

/** A store one of whose calls goes wrong, counted from when it is armed. */
export class FaultAt {
  readonly store: SessionStore;
  /** The operations that were called since it was armed. */
  readonly calls: StoreOperation[] = [];
  #place: { at: number; fault: Fault } | undefined;
  readonly #late = new Gate();
  readonly #onWait: () => void;

  /** @param onWait Called when an answer is not going to come in time. */
  constructor(store: SessionStore, onWait: () => void) {
    this.#onWait = onWait;
    const faulty = new FaultyStore(store);
    const wrap = (target: FaultyStore): SessionStore =>
      new Proxy(target, {
        get: (_, name) => {
          const member: unknown = Reflect.get(target, name, target);
          if (name === "forCookie") return (cookie: string) => wrap(target.forCookie(cookie));
          if (typeof member !== "function") return member;
          return (...args: unknown[]) => {
            if (name !== "outdated") this.#begin(faulty, name as StoreOperation);
            return Reflect.apply(member, target, args);
          };
        },
      });
    this.store = wrap(faulty);
  }

  /** Counts from now on, and strikes at a call if there is a fault. */
  arm(place?: { at: number; fault: Fault }): void {
    this.calls.length = 0;
    this.#place = place;
  }

  /** Lets everything go well from now on, and do what was held up. */
  async heal(): Promise<void> {
    const isLate = this.#place?.fault === "late success";
    this.#place = undefined;
    this.#late.open();
    if (isLate) await new Promise((resolve) => setTimeout(resolve));
  }

  #begin(faulty: FaultyStore, operation: StoreOperation): void {
    const at = this.calls.push(operation) - 1;
    faulty.heal();
    if (this.#place?.at !== at) return;
    const { fault } = this.#place;
    faulty.inject(operation, toStoreFault(fault, () => this.#late.pass()), 1);
    if (fault === "hang" || fault === "late success") this.#onWait();
  }
}
