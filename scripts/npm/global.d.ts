/**
 * Types `c.session`, wherever this is imported once: `import "@x/hono-session/global"`.
 *
 * @module
 */

import type { SessionOf } from "@x/hono-session";

declare module "hono" {
  interface Context<E, P, I> {
    get session(): SessionOf<E>;
    set session(value: object | null);
  }
}
