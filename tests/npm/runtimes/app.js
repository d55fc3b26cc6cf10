// What is served on every runtime, from the package as it was installed.
import { session } from "@x/hono-session";
import { EncryptedCookieStore, SealedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { Hono } from "hono";
import { streamText } from "hono/streaming";

export const SECRET = "a secret of thirty-two characters or more";

/** Makes an application with a session for each store, below a path and in a cookie of its name. */
export function makeApp(stores) {
  const all = {
    encrypted: { store: new EncryptedCookieStore({ secret: SECRET }) },
    sealed: { store: new SealedCookieStore({ secret: SECRET }) },
    map: { store: new MapStore() },
    ...stores,
  };
  const app = new Hono();
  app.get("/", (c) => c.json(Object.keys(all)));
  for (const [name, options] of Object.entries(all)) {
    app.route(`/${name}`, makePart(session({ ...options, cookieName: name, live: { every: 1 } })));
  }
  return app;
}

function makePart(middleware) {
  return new Hono()
    .use(middleware)
    .get("/", (c) => c.json(c.session))
    .get("/events", (c) =>
      streamText(c, async (stream) => {
        const { ended } = c.session;
        const isOver = new Promise((resolve) => ended.addEventListener("abort", resolve));
        await stream.write("open, ");
        await isOver;
        await stream.write(ended.reason);
      }))
    .post("/visit", (c) => {
      c.session.visits = (c.session.visits ?? 0) + 1;
      return c.json(c.get("session"));
    })
    .post("/login/:name", async (c) => {
      await c.session.regenerate();
      c.session.name = c.req.param("name");
      return c.redirect("..");
    })
    .post("/logout", (c) => {
      c.session = null;
      return c.body(null, 204);
    });
}
