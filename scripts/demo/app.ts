import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { csrf } from "hono/csrf";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { createSessions, type SessionStore } from "../../mod.ts";
import { assets } from "./assets.ts";
import type { DemoData, DemoEnv, DemoSession } from "./context.ts";
import { describeDevice } from "./device.ts";
import { createDevices } from "./devices.ts";
import { readDisplayName } from "./display_name.ts";
import { ended } from "./ended.ts";
import * as pages from "./pages.ts";

const REMEMBERED = 30 * 86400;
const MOST_DEVICES = 5;
const LARGEST_FORM = 16 * 1024;

/** What the demo is made of. */
export interface DemoOptions {
  store: SessionStore;
  secret: string;
  /** In epoch milliseconds. */
  clock?: () => number;
  /** Aborts when the server stops. */
  stopping?: AbortSignal;
}

/** Makes the demo: one application with pages that show what a session does. */
export function createApp(
  { store, secret, clock = Date.now, stopping = new AbortController().signal }: DemoOptions,
): Hono<DemoEnv> {
  const app = new Hono<DemoEnv>();
  const sessions = createSessions<DemoData>({
    store,
    secret,
    clock,
    device: true,
    // Or devices would show when they last wrote something, and not when they were last used.
    rolling: { after: 60 },
    maxSessions: { limit: MOST_DEVICES },
  });

  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
      // With "no-referrer", forms would be sent with `Origin: null`, which csrf() can't accept.
      referrerPolicy: "same-origin",
      strictTransportSecurity: false,
    }),
    csrf(),
    bodyLimit({
      maxSize: LARGEST_FORM,
      onError: () => {
        throw new HTTPException(413);
      },
    }),
  );
  app.route("/", assets);
  app.use(sessions.middleware());
  app.use(async (c, next) => {
    await next();
    // Or the back button may show what was there before logout.
    c.header("cache-control", "no-store");
  });

  app.get("/", (c) => c.html(pages.home(c.session)));

  app.get("/login", (c) => {
    if (c.session.subject !== undefined) return c.redirect("/", 303);
    return c.html(pages.login(c.session));
  });
  app.post("/login", async (c) => {
    if (c.session.subject !== undefined) return c.redirect("/", 303);
    const form = await c.req.parseBody();
    const { name, typed, error } = readDisplayName(form.name);
    const remember = form.remember !== undefined;
    if (error !== undefined) {
      return c.html(pages.login(c.session, { typed, error, remember }), 422);
    }

    // What is known before the login must not open the session after it.
    await c.session.regenerate();
    c.session.renew(remember ? REMEMBERED : undefined);
    c.session.subject = name;
    c.session.meta = describeDevice(c);
    c.session.name = name;
    c.session.remembered = remember;
    c.session.flash("notice", `Welcome back, ${name}`);
    return c.redirect("/", 303);
  });

  app.get("/profile", (c) => {
    if (c.session.name === undefined) return c.redirect("/login", 303);
    return c.html(pages.profile(c.session));
  });
  app.post("/profile", async (c) => {
    if (c.session.name === undefined) return c.redirect("/login", 303);
    const form = await c.req.parseBody();
    const { name, typed, error } = readDisplayName(form.name);
    if (error !== undefined) return c.html(pages.profile(c.session, { typed, error }), 422);

    c.session.name = name;
    c.session.flash("notice", "Name changed");
    return c.redirect("/profile", 303);
  });

  app.post("/logout", (c) => {
    c.session.destroy();
    // A page of its own says it, because a session only for a message would be one more to log out of.
    return c.redirect("/goodbye", 303);
  });
  app.get("/goodbye", (c) => {
    if (c.session.name !== undefined) return c.redirect("/", 303);
    const everywhere = c.req.query("everywhere") !== undefined;
    return c.html(pages.goodbye(c.session, { everywhere }));
  });

  app.route("/devices", createDevices({ sessions, clock, limit: MOST_DEVICES }));

  app.get("/ended", (c) => ended(c, stopping));

  app.get("/counter", (c) => c.html(pages.counter(c.session)));
  app.post("/counter", async (c) => {
    await countUp(c.session);
    return c.redirect("/counter", 303);
  });
  app.get("/counter.json", (c) => c.json({ count: c.session.count ?? 0 }));
  app.post("/counter.json", async (c) => {
    // Without a session each of many requests would begin one of its own.
    if (c.session.isNew) throw new HTTPException(401);
    return c.json({ count: await countUp(c.session) });
  });

  app.notFound((c) => c.html(pages.notFound(c.session), 404));
  app.onError((error, c) => {
    // A guard leads elsewhere.
    if (error instanceof HTTPException && error.status < 400) return error.getResponse();
    const status = error instanceof HTTPException ? error.status : 500;
    if (!(error instanceof HTTPException)) console.error(error);
    return c.html(pages.failure(status), status);
  });
  return app;
}

async function countUp(session: DemoSession): Promise<number | undefined> {
  return await session.update("count", (count = 0) => count + 1);
}
