// What the tests run inside workerd.
import { session } from "@x/hono-session";
import { CloudflareKvStore, type KvNamespaceLike } from "@x/hono-session/stores/cloudflare-kv";
import { Hono } from "hono";

interface Bindings {
  SESSION: KvNamespaceLike;
  SECRET: string;
}

let operations: string[] = [];
const warnings: string[] = [];

function counted(namespace: KvNamespaceLike): KvNamespaceLike {
  return {
    get(key) {
      operations.push("get");
      return namespace.get(key);
    },
    put(key, value, options) {
      operations.push("put");
      return namespace.put(key, value, options);
    },
    delete(key) {
      operations.push("delete");
      return namespace.delete(key);
    },
  };
}

export default new Hono<{ Bindings: Bindings }>()
  .get("/operations", (c) => {
    const last = operations;
    operations = [];
    return c.json(last);
  })
  .use(session<{ name?: string; visits?: number }>({
    store: new CloudflareKvStore({ namespace: (c) => counted(c.env.SESSION) }),
    secret: (c) => c.env.SECRET,
    logger: { error() {}, warn: (message) => warnings.push(message) },
    maxAge: 600,
  }))
  .get("/static", (c) => c.text("static"))
  .get("/warnings", (c) => c.json(warnings))
  .post("/background", (c) => {
    const { session } = c.var;
    const task = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      session.visits = 99;
    };
    c.executionCtx.waitUntil(task());
    return c.text("begun");
  })
  .get("/read", (c) => c.json(c.var.session))
  .post("/visit", (c) => {
    c.var.session.visits = (c.var.session.visits ?? 0) + 1;
    return c.json(c.var.session);
  })
  .post("/login/:name", async (c) => {
    await c.var.session.regenerate();
    c.var.session.name = c.req.param("name");
    return c.redirect("/read");
  })
  .post("/logout", (c) => {
    c.var.session.destroy();
    return c.body(null, 204);
  });
