import type { Context, MiddlewareHandler } from "hono";
import type { Backend } from "./backends.ts";
import type { Data } from "./data.ts";

/** Something that gives an application sessions. */
export interface Library {
  readonly name: string;
  /** Sets it up as its documentation says; `undefined` where it can't keep sessions there. */
  setUp(backend: Backend): Promise<Setup | undefined> | Setup | undefined;
}

/** What an application needs of it. */
export interface Setup {
  readonly middleware: readonly MiddlewareHandler[];
  /** The visits in the session. */
  read(c: Context): unknown;
  /** Changes the visits. */
  write(c: Context, visits: number): unknown;
  /** Fills a new session. */
  begin(c: Context, data: Data): unknown;
}
