import { createSessions, requireSession, startSession } from "@x/hono-session";
import { assertEquals } from "@std/assert";
import { type Context, Hono } from "hono";
import { Client } from "../_support/client.ts";
import type { Scene, SceneTest } from "./_suite.ts";

interface Data {
  cart?: { items: string[] };
  name?: string;
}

type C = Context<{ Variables: { session: Session } }>;
type Session = Data & {
  meta: object | undefined;
  flash(key: string, value: unknown): void;
  update(key: string, change: () => unknown): Promise<unknown>;
};

/** Ways to give a session something that the application keeps. */
const WAYS: Record<string, (c: C, kept: Required<Pick<Data, "cart">>) => unknown> = {
  startSession: (c, kept) => startSession(c, kept),
  property: (c, kept) => Reflect.set(c, "session", kept),
  set: (c, kept) => c.set("session", kept as Session),
  flash: (c, { cart }) => c.var.session.flash("cart", cart),
  update: (c, { cart }) => c.var.session.update("cart", () => cart),
};

function makeApp({ configure }: Scene, kept: Required<Pick<Data, "cart">>) {
  const sessions = createSessions<Data>(configure<Data>({ initial: kept }));
  const app = new Hono<{ Variables: { session: Session } }>()
    .use(sessions.middleware() as never)
    .get("/read", (c) => c.json(c.var.session))
    .get("/add/:item", (c) => {
      c.var.session.cart!.items.push(c.req.param("item"));
      return c.text("added");
    });
  for (const [way, give] of Object.entries(WAYS)) {
    app.get(`/${way}/:item`, async (c) => {
      await give(c, kept);
      c.var.session.cart!.items.push(c.req.param("item"));
      return c.json(c.var.session);
    });
  }
  return { app, sessions };
}

/** What an application keeps stays its own, whatever becomes of the sessions that it was given to. */
export function keptThings(test: SceneTest): void {
  for (const way of Object.keys(WAYS)) {
    const path = `/${way}`;

    test(`an object that is given by ${way} to one session after the other is shared by none`, async (scene) => {
      const kept = { cart: { items: ["gift"] } };
      const { app } = makeApp(scene, kept);
      const [ada, bob] = [new Client(app), new Client(app)];
      for (const client of [ada, bob]) await client.text("/add/own");
      assertEquals(await ada.json(`${path}/apple`), { cart: { items: ["gift", "apple"] } });
      assertEquals(kept, { cart: { items: ["gift"] } });
      assertEquals(await bob.json(`${path}/pear`), { cart: { items: ["gift", "pear"] } });
      assertEquals(await ada.json("/read"), { cart: { items: ["gift", "apple"] } });
      assertEquals(kept, { cart: { items: ["gift"] } });
    });
  }

  test("what becomes later of an object that a session was given is no change of the session", async (scene) => {
    const kept = { cart: { items: ["gift"] } };
    const app = new Hono<{ Variables: { session: Session } }>()
      .use(createSessions<Data>(scene.configure<Data>({})).middleware() as never)
      .get("/read", (c) => c.json(c.var.session))
      .get("/:way", async (c) => {
        await WAYS[c.req.param("way")]!(c, kept);
        kept.cart.items.push("later");
        return c.json(c.var.session);
      });
    for (const way of Object.keys(WAYS)) {
      kept.cart.items = ["gift"];
      const client = new Client(app);
      const shown = await client.json(`/${way}`);
      assertEquals(shown, { cart: { items: ["gift"] } }, way);
      assertEquals(await client.json("/read"), { cart: { items: ["gift"] } }, way);
    }
  });

  test("the initial data are copied for each visitor, and once and for all", async (scene) => {
    for (const isFunction of [false, true]) {
      const kept = { cart: { items: ["gift"] } };
      const initial = isFunction ? () => kept : kept;
      const app = new Hono<{ Variables: { session: Session } }>()
        .use(createSessions<Data>(scene.configure<Data>({ initial })).middleware() as never)
        .get("/read", (c) => c.json(c.var.session))
        .get("/add/:item", (c) => {
          c.var.session.cart!.items.push(c.req.param("item"));
          return c.json(c.var.session);
        });
      const [ada, bob] = [new Client(app), new Client(app)];
      assertEquals(await ada.json("/add/apple"), { cart: { items: ["gift", "apple"] } });
      assertEquals(kept, { cart: { items: ["gift"] } });
      assertEquals(await bob.json("/read"), { cart: { items: ["gift"] } });
      if (!isFunction) kept.cart.items.push("later");
      assertEquals(await bob.json("/read"), { cart: { items: ["gift"] } });
    }
  });

  test("what is given to create() and to meta stays as it was", async (scene) => {
    const kept = { cart: { items: ["gift"] } };
    const meta = { device: { name: "phone" } };
    const { app, sessions } = makeApp(scene, kept);
    app.get("/meta", (c) => {
      c.var.session.meta = meta;
      meta.device.name = "later";
      return c.json(c.var.session.meta);
    });
    for (const item of ["apple", "pear"]) {
      const { cookie } = await sessions.create(kept, { meta });
      const headers = { cookie };
      const client = new Client(app);
      await client.text(`/add/${item}`, { headers });
      assertEquals(kept, { cart: { items: ["gift"] } });
      assertEquals(await client.json("/meta", { headers }), { device: { name: "phone" } });
      meta.device.name = "phone";
    }
  });

  test("a response that is returned to all never carries the cookie of one", async (scene) => {
    const kept = {
      "204": new Response(null, { status: 204 }),
      redirect: Response.redirect("https://app.test/read", 303),
    };
    const guard = new Response(null, { status: 403 });
    const app = new Hono()
      .use(createSessions<Data>(scene.configure<Data>({ rolling: { after: 1 } })).middleware())
      .get("/login/:kind", (c) => {
        c.var.session.name = "Ada";
        return kept[c.req.param("kind") as keyof typeof kept];
      })
      .get("/read", (c) => c.json(c.var.session))
      .get("/guarded", requireSession<Data>({ has: ["cart"], response: () => guard }))
      .get("/:kind", (c) => kept[c.req.param("kind") as keyof typeof kept]);
    for (const kind of Object.keys(kept)) {
      const [ada, visitor] = [new Client(app), new Client(app)];
      const login = await ada.fetch(`/login/${kind}`);
      assertEquals(login.headers.getSetCookie().length, 1);
      scene.clock.advance(10);
      const renewal = await ada.fetch("/guarded");
      assertEquals([renewal.status, renewal.headers.getSetCookie().length], [403, 1]);
      for (const path of [`/${kind}`, "/guarded"]) {
        const { headers } = await visitor.fetch(path);
        assertEquals(headers.getSetCookie(), []);
        assertEquals([headers.get("vary"), headers.get("cache-control")], [null, null]);
      }
      assertEquals(await visitor.json("/read"), {});
      assertEquals(await ada.json("/read"), { name: "Ada" });
    }
  });
}
