import type { SessionStore } from "@x/hono-session";

const OPERATIONS = [
  "read",
  "create",
  "update",
  "replace",
  "touch",
  "delete",
  "generation",
  "deleteAll",
] as const satisfies (keyof SessionStore)[];

/** Lets one task at a time do its next call of the store, in an order that a test decides. */
export class Turnstile {
  readonly #waiting = new Map<string, () => void>();
  readonly #done = new Set<string>();
  readonly #calls: string[] = [];
  #notice = () => {};

  /** What was called by whom, in order. */
  get calls(): readonly string[] {
    return this.#calls;
  }

  /** The store for one task. */
  guard(store: SessionStore, task: string): SessionStore {
    const guarded: Record<string, unknown> = { capabilities: store.capabilities };
    const pass = async (operation: string) => {
      await this.#wait(task);
      this.#calls.push(`${task}: ${operation}`);
    };
    for (const operation of OPERATIONS) {
      if (!store[operation]) continue;
      guarded[operation] = async (...args: unknown[]) => {
        await pass(operation);
        return await (store[operation] as (...args: unknown[]) => unknown).apply(store, args);
      };
    }
    if (store.list) {
      guarded.list = async function* (...args: Parameters<NonNullable<SessionStore["list"]>>) {
        await pass("list");
        yield* await Array.fromAsync(store.list!(...args));
      };
    }
    return guarded as unknown as SessionStore;
  }

  /** Runs tasks, and asks at each step which of those that wait is to go on. */
  async run(
    tasks: Record<string, () => Promise<unknown>>,
    choose: (waiting: string[]) => string,
  ): Promise<void> {
    const names = Object.keys(tasks);
    const running = names.map(async (name) => {
      try {
        await tasks[name]!();
      } finally {
        this.#done.add(name);
        this.#notice();
      }
    });
    const all = Promise.all(running);
    all.catch(() => this.#notice());
    while (this.#done.size < names.length) {
      await this.#until(() => this.#waiting.size + this.#done.size === names.length);
      const waiting = names.filter((name) => this.#waiting.has(name));
      if (waiting.length === 0) break;
      const next = choose(waiting);
      const go = this.#waiting.get(next)!;
      this.#waiting.delete(next);
      go();
    }
    await all;
  }

  #wait(task: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(task, resolve);
      this.#notice();
    });
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#notice = resolve);
  }
}

/**
 * Runs a scene once in every order that its tasks' steps can have: each run follows the choices of the one before
 * up to the last that had another way to go.
 *
 * @param switches How often one task may be left for another while it could go on.
 * @returns How many orders there are.
 */
export async function everyOrder(
  scene: (choose: (waiting: string[]) => string) => Promise<void>,
  switches: number = Infinity,
): Promise<number> {
  let path: { taken: number; ways: number }[] = [];
  for (let orders = 1;; orders++) {
    let step = 0;
    let left = switches;
    let last: string | undefined;
    await scene((waiting) => {
      const canGoOn = last !== undefined && waiting.includes(last);
      const ways = !canGoOn
        ? waiting
        : left > 0
        ? [last!, ...waiting.filter((each) => each !== last)]
        : [last!];
      path[step] ??= { taken: 0, ways: ways.length };
      const next = ways[path[step++]!.taken]!;
      if (canGoOn && next !== last) left--;
      return last = next;
    });
    path = path.slice(0, step);
    while (path.length > 0 && path.at(-1)!.taken + 1 === path.at(-1)!.ways) path.pop();
    if (path.length === 0) return orders;
    path.at(-1)!.taken++;
  }
}
