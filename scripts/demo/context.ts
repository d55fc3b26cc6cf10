import type { Session, SessionEnv } from "../../mod.ts";

/** What the demo keeps in a session. */
export interface DemoData {
  /** Who is logged in. */
  name?: string;
  /** Whether the login is to last. */
  remembered?: boolean;
  count?: number;
  /** A message for the next page. */
  notice?: string;
}

export type DemoSession = Session<DemoData>;
export type DemoEnv = SessionEnv<DemoData>;

// Gives `c.session` the type that the application declares for the variable `session`.
declare module "hono" {
  interface Context<E, P, I> {
    get session(): E extends { Variables: { session: infer Kept } } ? Kept : unknown;
    set session(value: object | null);
  }
}
