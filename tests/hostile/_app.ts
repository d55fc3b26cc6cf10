import { session, type SessionOptions, startSession } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { Gate } from "../_support/gate.ts";

export interface Data {
  name?: string;
  cart?: string[];
  notice?: string;
  a?: number;
}

export const QUIET = { error() {}, warn() {} };

/** An application in which one logs in and out, and what is watched of it. */
export function setup(options: SessionOptions<Data> = {}) {
  const clock = new FakeClock();
  const map = new MapStore({ clock: clock.now });
  const store = new FaultyStore(map);
  const gate = new Gate();
  const rejected: string[] = [];
  const app = new Hono()
    .use(session<Data>({
      store,
      clock: clock.now,
      logger: QUIET,
      events: { rejected: ({ reason }) => rejected.push(reason) },
      ...options,
    }))
    .get("/read", (c) => c.json(c.var.session))
    .get("/add/:item", (c) => {
      (c.var.session.cart ??= []).push(c.req.param("item"));
      return c.text("added");
    })
    .get("/login/:name", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = c.req.param("name");
      return c.text("welcome");
    })
    .get("/start/:name", async (c) => {
      await startSession(c, { name: c.req.param("name") });
      return c.text("welcome");
    })
    .get("/switch/:name", (c) => {
      c.var.session.destroy();
      c.set("session", { name: c.req.param("name") } as typeof c.var.session);
      return c.text("welcome");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
  return { app, client: new Client(app), clock, gate, map, rejected, store };
}

/** The cookies of a name that a response sets. */
export function setCookies(response: Response, name = "sid"): string[] {
  return response.headers.getSetCookie().filter((line) => line.startsWith(`${name}=`));
}

/** What an application reads for a request with such a cookie header. */
export async function readAs(app: Pick<Hono, "request">, cookie: string): Promise<unknown> {
  return await (await app.request("/read", { headers: { cookie } })).json();
}
