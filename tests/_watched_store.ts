import type { SessionStore } from "@x/hono-session";

type Operation = Exclude<keyof SessionStore, "capabilities">;

const OPERATIONS: Operation[] = ["read", "create", "update", "replace", "touch", "delete"];

/** What happens to one operation of a {@linkcode watched} store. */
type Fault = "fail" | "hang" | (() => Promise<void>);

export interface Watched {
  readonly store: SessionStore;
  /** The operations since the last look, in order. */
  calls(): Operation[];
  /** Makes an operation fail, hang, or wait, from now on. */
  inject(operation: Operation, fault: Fault): void;
  /** Lets everything work again. */
  heal(): void;
}

/** A store that tells what it was asked and fails on demand. */
export function watched(store: SessionStore): Watched {
  let calls: Operation[] = [];
  const faults = new Map<Operation, Fault>();
  const wrapped: Record<string, unknown> = {
    capabilities: store.capabilities,
    outdated: store.outdated?.bind(store),
  };
  for (const operation of OPERATIONS) {
    wrapped[operation] = async (...args: unknown[]) => {
      calls.push(operation);
      const fault = faults.get(operation);
      if (fault === "fail") throw new Error("connection refused");
      if (fault === "hang") return await new Promise(() => {});
      await fault?.();
      return await (store[operation] as (...args: unknown[]) => unknown).apply(store, args);
    };
  }
  return {
    store: wrapped as unknown as SessionStore,
    calls() {
      const last = calls;
      calls = [];
      return last;
    },
    inject: (operation, fault) => void faults.set(operation, fault),
    heal: () => faults.clear(),
  };
}
