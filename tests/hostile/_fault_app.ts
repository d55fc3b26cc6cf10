import {
  createSessions,
  type SessionManager,
  type SessionOptions,
  startSession,
} from "@x/hono-session";
import { Hono } from "hono";

/** Every value that is put into a session begins with it, and none may be seen elsewhere. */
export const CANARY = "canary";
export const USER = "user:42";

/** `a` and `b` are always written together. */
export interface Data {
  a?: string;
  b?: string;
  name?: string;
  count?: number;
}

/** What becomes of the data of a session in a request that is done as a whole. */
type Model = (before: Data) => Data;

const both = (value: string) => ({ a: `${CANARY}-${value}`, b: `${CANARY}-${value}` });

/** What a request does, the state in between in which it may be left, and what commitOnError makes of it. */
export const STEPS: Record<string, { model: Model; between?: Model; kept?: Model }> = {
  read: { model: (before) => before },
  write: { model: (before) => ({ ...before, ...both("write") }) },
  flash: { model: (before) => before },
  renew: { model: (before) => before },
  update: { model: (before) => ({ ...before, count: (before.count ?? 0) + 1 }) },
  save: {
    model: (before) => ({ ...before, ...both("second") }),
    between: (before) => ({ ...before, ...both("first") }),
  },
  login: {
    model: (before) => ({ ...before, ...both("login"), name: `${CANARY}-Ada` }),
  },
  start: { model: () => both("start") },
  switch: { model: () => both("switch"), between: () => ({}) },
  logout: { model: () => ({}) },
  "throw-logout": { model: () => ({}) },
  "throw-login": {
    model: (before) => before,
    kept: (before) => ({ ...before, ...both("dropped") }),
  },
  list: { model: (before) => before },
  others: { model: (before) => before },
};

/** An application whose requests are the steps. */
export function makeApp(options: SessionOptions<Data>, onError: (error: unknown) => void) {
  const sessions: SessionManager<Data> = createSessions<Data>(options);
  return new Hono()
    .use(sessions.middleware())
    .get("/read", (c) => c.json(c.var.session))
    .get("/write", (c) => {
      Object.assign(c.var.session, both("write"));
      return c.text("written");
    })
    .get("/flash", (c) => {
      c.var.session.flash("notice", `${CANARY}-notice`);
      return c.text("flashed");
    })
    .get("/renew", (c) => {
      c.var.session.renew();
      return c.text("renewed");
    })
    .get("/update", async (c) => {
      await c.var.session.update("count", (count = 0) => count + 1);
      return c.text("updated");
    })
    .get("/save", async (c) => {
      Object.assign(c.var.session, both("first"));
      await c.var.session.save();
      Object.assign(c.var.session, both("second"));
      return c.text("saved");
    })
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      Object.assign(c.var.session, both("login"), { name: `${CANARY}-Ada` });
      c.var.session.subject = USER;
      c.var.session.meta = { device: `${CANARY}-phone` };
      return c.redirect("/read");
    })
    .get("/start", async (c) => {
      await startSession(c, both("start"));
      return c.text("started");
    })
    .get("/switch", (c) => {
      c.var.session.destroy();
      c.set("session", both("switch") as typeof c.var.session);
      return c.text("switched");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .get("/throw-logout", (c) => {
      c.var.session.destroy();
      throw new Error("handler failed");
    })
    .get("/throw-login", async (c) => {
      await c.var.session.regenerate();
      Object.assign(c.var.session, both("dropped"));
      throw new Error("handler failed");
    })
    .get("/list", async (c) => c.json((await Array.fromAsync(sessions.list(USER, { c }))).length))
    .get("/others", async (c) => {
      const { sid, subject = "nobody" } = c.var.session;
      return c.json(await sessions.revokeAll(subject, { except: sid, c }));
    })
    .onError((error, c) => {
      onError(error);
      return "getResponse" in error
        ? (error as { getResponse(): Response }).getResponse()
        : c.text("failed", 500);
    });
}
