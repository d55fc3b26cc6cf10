import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { Backend } from "./backends.ts";
import { bare, doNothing, floor, floorAndPromises } from "./floors.ts";
import { makeData } from "./data.ts";
import type { Data } from "./data.ts";
import { lazy, ours } from "./ours.ts";
import { PEERS } from "./peers.ts";

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

/** Libraries that keep no session, to compare with. */
export const WITHOUT_SESSION: readonly Library[] = [bare, doNothing];

/** All that is measured. */
export const LIBRARIES: readonly Library[] = [
  ...WITHOUT_SESSION,
  floor,
  floorAndPromises,
  ours,
  lazy,
  ...PEERS,
];

/** An application with a route for everything that is measured. */
export function makeApp(setup: Setup, bytes: number): Hono {
  const data = makeData(bytes);
  let { visits } = data;
  const app = new Hono();
  for (const middleware of setup.middleware) app.use(middleware);
  return app
    .get("/untouched", (c) => c.text("ok"))
    .get("/read", async (c) => c.text(String(await setup.read(c))))
    .get("/write", async (c) => {
      await setup.write(c, ++visits);
      return c.text(String(visits));
    })
    .get("/begin", async (c) => {
      await setup.begin(c, data);
      return c.text("ok");
    });
}
