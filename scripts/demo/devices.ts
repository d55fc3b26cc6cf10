import { Hono } from "hono";
import { requireSession, type SessionManager } from "../../mod.ts";
import { confirmPage } from "./confirm_page.ts";
import type { DemoData, DemoEnv } from "./context.ts";
import { devicesPage } from "./devices_page.ts";

/** For how many seconds a confirmation counts. */
const CONFIRMED_WITHIN = 60;

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

  app.get("/confirm", (c) => {
    if (c.session.subject === undefined) return c.redirect("/login", 303);
    return c.html(confirmPage(c.session));
  });

  app.post("/confirm", async (c) => {
    const { subject } = c.session;
    if (subject === undefined) return c.redirect("/login", 303);
    const { name } = await c.req.parseBody();
    if (typeof name !== "string" || name.trim() !== subject) {
      return c.html(confirmPage(c.session, { error: "That is another name." }), 422);
    }
    await c.session.regenerate();
    c.session.confirm("name");
    c.session.flash("notice", "Confirmed: for a minute you can log out everywhere");
    return c.redirect("/devices", 303);
  });

  const confirmed = requireSession({
    confirmed: { within: CONFIRMED_WITHIN },
    response: (c) => c.redirect(c.get("session").isNew ? "/login" : "/devices/confirm", 303),
  });
  app.post("/end-all", confirmed, async (c) => {
    const { subject } = c.session;
    if (subject === undefined) return c.redirect("/login", 303);
    await sessions.revokeAll(subject, { c });
    // It has ended as well; this takes its cookie out of the browser.
    c.session.destroy();
    return c.redirect("/goodbye?everywhere", 303);
  });

  return app;
}
