import type { SessionStore } from "@x/hono-session";

/** A store that doesn't list the sessions of a subject, as one of an application may be. */
export function withoutIndex(store: SessionStore): SessionStore {
  return {
    capabilities: { ...store.capabilities, index: false },
    read: (...args) => store.read(...args),
    create: (...args) => store.create(...args),
    update: (...args) => store.update(...args),
    replace: (...args) => store.replace(...args),
    touch: (...args) => store.touch(...args),
    delete: (...args) => store.delete(...args),
  };
}
