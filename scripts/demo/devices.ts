import { Hono } from "hono";
import type { SessionManager } from "../../mod.ts";
import type { DemoData, DemoEnv } from "./context.ts";
import { devicesPage } from "./devices_page.ts";

/** What the pages of devices work with. */
export interface DevicesOptions {
  sessions: SessionManager<DemoData>;
  clock: () => number;
  /** How many devices can be logged in at once. */
  limit: number;
}

/** Makes the page of devices and the forms on it. */
export function createDevices({ sessions, clock, limit }: DevicesOptions): Hono<DemoEnv> {
  const app = new Hono<DemoEnv>();

  app.get("/", async (c) => {
    const { subject } = c.session;
    if (subject === undefined) return c.redirect("/login", 303);
    const devices = await Array.fromAsync(sessions.list(subject, { c }));
    return c.html(devicesPage(c.session, { devices, limit, now: clock() }));
  });

  app.post("/:sid/end", async (c) => {
    const { subject } = c.session;
    if (subject === undefined) return c.redirect("/login", 303);
    const ended = await sessions.revoke(subject, c.req.param("sid"), { c });
    c.session.flash("notice", `That device was ${ended ? "" : "already "}logged out`);
    return c.redirect("/devices", 303);
  });

  app.post("/end-others", async (c) => {
    const { subject, sid } = c.session;
    if (subject === undefined) return c.redirect("/login", 303);
    const ended = await sessions.revokeAll(subject, { except: sid, c });
    c.session.flash("notice", `Other devices logged out: ${ended}`);
    return c.redirect("/devices", 303);
  });

  app.post("/end-all", async (c) => {
    const { subject } = c.session;
    if (subject === undefined) return c.redirect("/login", 303);
    await sessions.revokeAll(subject, { c });
    // It has ended as well; this takes its cookie out of the browser.
    c.session.destroy();
    return c.redirect("/goodbye?everywhere", 303);
  });

  return app;
}
