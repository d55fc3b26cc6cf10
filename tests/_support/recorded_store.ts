import type { SessionRecord, SessionStore } from "@x/hono-session";

/**
 * A store that remembers which keys were ever given a record, and which sessions it holds under them. `told` resolves when
 * every login under way has read what orders it: over several connections, what is asked first is not answered first.
 */
export function recordKeys(
  store: SessionStore,
): { store: SessionStore; records(): Promise<SessionRecord[]>; told(): Promise<void> } {
  const keys = new Set<string>();
  const readings: unknown[] = [];
  const recorded = new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        if (name === "create") keys.add(args[0] as string);
        if (name === "replace") keys.add((args[1] as { key: string }).key);
        const answer = Reflect.apply(member, target, args);
        if (name === "generation" || name === "read") readings.push(answer);
        return answer;
      };
    },
  });
  return {
    store: recorded,
    async records() {
      const found: SessionRecord[] = [];
      for (const key of keys) {
        const record = await store.read(key);
        if (record && !record.trace) found.push(record);
      }
      return found;
    },
    async told() {
      await Promise.allSettled(readings);
    },
  };
}
