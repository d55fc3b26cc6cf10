import { session, type SessionOptions, startSession } from "@x/hono-session";
import { assertEquals, assertNotEquals } from "@std/assert";
import { type Context, Hono } from "hono";
import { setCookie } from "hono/cookie";
import { methodOverride } from "hono/method-override";
import { Client } from "../_support/client.ts";
import type { Data } from "./_app.ts";
import type { Scene, SceneTest } from "./_suite.ts";

type WithSession = Context<{ Variables: { session: Data & { destroy(): void } } }>;

/** How an application answers a request by one to itself. */
const WAYS: Record<string, (c: Context, app: Hono) => Promise<Response>> = {
  "a rewrite": async (c, app) => await app.fetch(innerRequest(c), c.env),
  "a rewrite whose response is copied": async (c, app) => {
    const response = await app.request(innerRequest(c));
    return new Response(response.body, response);
  },
  "a rewrite whose response is made anew": async (c, app) => {
    const response = await app.fetch(innerRequest(c));
    const { headers } = response;
    for (const line of headers.getSetCookie()) c.header("set-cookie", line, { append: true });
    return c.text(await response.text(), response.status as 200);
  },
};

/** The request under the path behind `/in`. */
function innerRequest(c: Context): Request {
  const url = new URL(c.req.url);
  url.pathname = url.pathname.replace("/in/", "/");
  return new Request(url, { headers: c.req.raw.headers });
}

/** An application that counts visits around requests to itself. */
function makeInner({ configure }: Scene, way: string, options: SessionOptions<Data> = {}) {
  const app = new Hono();
  app.use(session<Data>(configure(options)))
    .use("/in/*", async (c: WithSession, next) => {
      if (c.req.query("count")) c.var.session.count = (c.var.session.count ?? 0) + 1;
      await next();
    })
    .get("/in/*", async (c) => await WAYS[way]!(c, app))
    .get("/read", (c: WithSession) => c.json(c.var.session))
    .get("/set/:name", (c: WithSession) => {
      c.var.session.name = c.req.param("name")!;
      return c.text("set");
    })
    .get("/login/:name", async (c) => {
      const { session } = c.var as never as { session: Data & { regenerate(): Promise<void> } };
      await session.regenerate();
      session.name = c.req.param("name")!;
      return c.text("welcome");
    })
    .get("/start/:name", async (c) => {
      await startSession<Data>(c, { name: c.req.param("name")! });
      return c.text("welcome");
    })
    .get("/logout", (c: WithSession) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .get("/fail", (c: WithSession) => {
      c.var.session.destroy();
      return c.text("failed", 500);
    });
  return app;
}

/** What holds where a request is answered by another one of the same application. */
export function innerRequests(test: SceneTest): void {
  for (const way of Object.keys(WAYS)) {
    test(`${way} keeps what both requests change, in one cookie`, async (scene) => {
      const client = new Client(makeInner(scene, way));
      await client.text("/set/Ada");
      for (const [count, name] of ["Bob", "Cid"].entries()) {
        const response = await client.fetch(`/in/set/${name}?count=1`);
        assertEquals([response.status, await response.text()], [200, "set"]);
        assertEquals(response.headers.getSetCookie().length, scene.stateless ? 1 : 0);
        assertEquals(await client.json("/read"), { name, count: count + 1 });
      }
    });

    test(`${way} that logs out is one, also where the request around it changes something`, async (scene) => {
      for (const path of ["/in/logout", "/in/fail"]) {
        const client = new Client(makeInner(scene, way));
        await client.text("/set/Ada");
        const response = await client.fetch(`${path}?count=1`);
        await response.body?.cancel();
        assertEquals(response.headers.getSetCookie(), [
          "sid=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
        ]);
        assertEquals(await client.json("/read"), {});
      }
    });

    test(`${way} that logs in keeps its token, and what the request around it has changed`, async (scene) => {
      for (const path of ["/in/login/Bob", "/in/start/Bob"]) {
        for (const isNew of [false, true]) {
          const client = new Client(makeInner(scene, way));
          if (!isNew) await client.text("/set/Ada");
          const [before, thief] = [await client.value(), await client.thief()];
          const response = await client.fetch(`${path}?count=1`);
          await response.body?.cancel();
          assertEquals(response.headers.getSetCookie().length, 1);
          assertNotEquals(await client.value(), before);
          assertEquals(await client.json("/read"), { name: "Bob", count: 1 }, `${path} ${isNew}`);
          if (scene.revocable) assertEquals(await thief.json("/read"), {});
        }
      }
    });

    test(`${way} while a renewal is due undoes nothing`, async (scene) => {
      const rolling: SessionOptions<Data> = { maxAge: 1000, rolling: true };
      for (const [path, data] of [["set", "Bob"], ["login", "Bob"], ["start", "Bob"], ["logout"]]) {
        const client = new Client(makeInner(scene, way, rolling));
        await client.text("/set/Ada");
        scene.clock.advance(500);
        const response = await client.fetch(`/in/${path}${data ? `/${data}` : ""}`);
        await response.body?.cancel();
        assertEquals(response.headers.getSetCookie().length, 1, path);
        scene.clock.advance(900);
        assertEquals(await client.json("/read"), data ? { name: data } : {}, path);
      }
    });
  }

  test("a rewrite while a rotation is due keeps who is logged in, and who is not", async (scene) => {
    if (!scene.atomic || scene.stateless) return;
    for (const every of [0, 60]) {
      const client = new Client(makeInner(scene, "a rewrite", { rotate: { every } }));
      await client.text("/set/Ada");
      for (const [count, name] of ["Bob", "Cid", "Dan"].entries()) {
        scene.clock.advance(100);
        const response = await client.fetch(`/in/set/${name}?count=1`);
        await response.body?.cancel();
        assertEquals(response.headers.getSetCookie().length, 1);
        assertEquals(await client.json("/read"), { name, count: count + 1 });
      }
      scene.clock.advance(100);
      await client.text("/in/logout?count=1");
      assertEquals(await client.json("/read"), {});
    }
  });

  test("methodOverride() keeps what both requests change", async (scene) => {
    const app = new Hono();
    app.use(session<Data>(scene.configure({})))
      .use(async (c: WithSession, next) => {
        if (c.req.method === "POST") c.var.session.count = (c.var.session.count ?? 0) + 1;
        await next();
      })
      .use(methodOverride({ app: app as never }))
      .post("/", (c: WithSession) => {
        c.var.session.name = "Ada";
        return c.text("posted");
      })
      .put("/", (c: WithSession) => {
        c.var.session.name = "Bob";
        return c.text("put");
      })
      .delete("/", (c: WithSession) => {
        c.var.session.destroy();
        return c.text("deleted");
      })
      .get("/", (c: WithSession) => c.json(c.var.session));
    const client = new Client(app);
    const post = (method: string) =>
      client.text("/", { method: "POST", body: new URLSearchParams({ _method: method }) });
    await client.text("/", { method: "POST" });
    assertEquals(await client.json("/"), { name: "Ada", count: 1 });
    assertEquals(await post("PUT"), "put");
    assertEquals(await client.json("/"), { name: "Bob", count: 2 });
    assertEquals(await post("DELETE"), "deleted");
    assertEquals(await client.json("/"), {});
  });

  test("an application that is mounted in another one keeps what both change", async (scene) => {
    const inner = new Hono().use(session<Data>(scene.configure({})))
      .get("/set/:name", (c) => {
        c.var.session.name = c.req.param("name");
        return c.text("set");
      })
      .get("/logout", (c) => {
        c.var.session.destroy();
        return c.text("bye");
      });
    const app = new Hono().use(session<Data>(scene.configure({})))
      .use("/mounted/*", async (c, next) => {
        c.var.session.count = (c.var.session.count ?? 0) + 1;
        await next();
      })
      .mount("/mounted", inner.fetch)
      .get("/read", (c: WithSession) => c.json(c.var.session));
    const client = new Client(app);
    await client.text("/mounted/set/Ada");
    assertEquals(await client.json("/read"), { name: "Ada", count: 1 });
    await client.text("/mounted/set/Bob");
    assertEquals(await client.json("/read"), { name: "Bob", count: 2 });
    await client.text("/mounted/logout");
    assertEquals(await client.json("/read"), {});
  });

  test("a cookie that the application sets under the name of the session's is not one", async ({ configure }) => {
    const app = new Hono().use(session<Data>(configure({})))
      .get("/own/:value", (c) => {
        setCookie(c, "sid", c.req.param("value"));
        c.var.session.name = "Ada";
        return c.text("set");
      })
      .get("/read", (c) => c.json(c.var.session));
    for (const value of ["chosen", "A".repeat(43)]) {
      const client = new Client(app);
      assertEquals((await client.fetch(`/own/${value}`)).headers.getSetCookie().length, 1);
      assertEquals(await client.json("/read"), { name: "Ada" });
    }
  });
}
