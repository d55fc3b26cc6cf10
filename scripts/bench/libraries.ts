import { Hono } from "hono";
import type { Library, Setup } from "./contestants.ts";
import { makeData } from "./data.ts";
import { bare, doNothing, floor, floorAndPromises } from "./floors.ts";
import { lazy, ours } from "./ours.ts";
import { PEERS } from "./peers.ts";

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
