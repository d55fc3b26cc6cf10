import { session, type SessionOptions } from "@x/hono-session";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";
import { withSameCookie } from "../_support/same_cookie.ts";
import type { Scene, SceneTest } from "./_suite.ts";

interface Data {
  note?: string;
}

const ADA = "user:42";

/** Times by method, in seconds since a test began. */
type Times = Record<string, number>;

/** An application whose sessions are confirmed in all ways. */
function stage(scene: Scene, options: SessionOptions<Data> = {}) {
  const { clock } = scene;
  const began = clock.now();
  const gate = new Gate();
  const make = (more: SessionOptions<Data> = {}) => {
    return new Hono()
      .use(session<Data>(scene.configure({ ...options, ...more })))
      .get("/login/:method", async (c) => {
        await c.var.session.regenerate();
        c.var.session.subject = ADA;
        c.var.session.confirm(c.req.param("method"));
        if (c.req.query("hold")) await gate.pass();
        return c.text("welcome");
      })
      .get("/confirm/:method", async (c) => {
        const at = c.req.query("at");
        c.var.session.confirm(c.req.param("method"), at ? { at: Number(at) } : undefined);
        if (c.req.query("hold")) await gate.pass();
        if (c.req.query("save")) await c.var.session.save();
        if (c.req.query("fail")) return c.text("failed", 500);
        return c.text("confirmed");
      })
      .get("/subject/:subject", async (c) => {
        c.var.session.subject = c.req.param("subject");
        if (c.req.query("and")) c.var.session.confirm(c.req.query("and")!);
        if (c.req.query("hold")) await gate.pass();
        return c.text("bound");
      })
      .get("/unbind", (c) => {
        c.var.session.subject = undefined;
        return c.text("unbound");
      })
      .get("/note/:note", async (c) => {
        c.var.session.note = c.req.param("note");
        if (c.req.query("hold")) await gate.pass();
        return c.text("noted");
      })
      .get("/renew", (c) => {
        c.var.session.renew(6000);
        return c.text("renewed");
      })
      .get("/regenerate", async (c) => {
        await c.var.session.regenerate();
        if (c.req.query("confirm")) c.var.session.confirm(c.req.query("confirm")!);
        if (c.req.query("hold")) await gate.pass();
        return c.text("regenerated");
      })
      .get("/logout", (c) => {
        c.var.session.destroy();
        return c.text("ended");
      })
      .get("/read", (c) =>
        c.json(
          Object.fromEntries(
            Object.entries(c.var.session.confirmations).map(([method, time]) => [
              method,
              (time!.getTime() - began) / 1000,
            ]),
          ),
        ));
  };
  const app = make();
  const read = async (client: Client) => await client.json("/read") as Times;
  return { client: new Client(app), gate, make, read };
}

/** What every store keeps of confirmations. */
export function confirmations(test: SceneTest): void {
  test("a confirmation is kept with its time, which nothing else moves", async (scene) => {
    const { clock } = scene;
    const { client, make, read } = stage(scene, {
      maxAge: 1000,
      rolling: true,
      ...(scene.atomic && !scene.stateless ? { rotate: { every: 50, grace: 0 } } : {}),
    });
    assertEquals(await read(client), {});
    await client.text("/login/password");
    for (
      const path of ["/read", "/note/a", "/renew", "/regenerate", "/note/b", `/subject/${ADA}`]
    ) {
      clock.advance(60);
      assertEquals((await client.fetch(path)).status, 200);
      assertEquals(await read(client), { password: 0 }, path);
    }
    const migrating = await withSameCookie(
      client,
      make({ migrate: (data) => ({ ...data, note: "migrated" }) }),
    );
    assertEquals(await read(migrating), { password: 0 }, "migrate");
    await client.text("/confirm/otp");
    assertEquals(await read(client), { password: 0, otp: 360 });
    clock.advance(1);
    await client.text("/login/password");
    assertEquals(await read(client), { password: 361, otp: 360 });
  });

  test("a confirmation alone is stored in a new session", async (scene) => {
    const { client, read } = stage(scene);
    await client.text("/confirm/password");
    assertEquals(await read(client), { password: 0 });
  });

  test("a confirmation has the time that the application knows, and never goes back", async (scene) => {
    const { clock } = scene;
    const { client, read } = stage(scene);
    const now = clock.now() / 1000;
    await client.text(`/confirm/oidc?at=${now - 600}`);
    assertEquals(await read(client), { oidc: -600 });
    await client.text(`/confirm/oidc?at=${now + 60}`);
    assertEquals(await read(client), { oidc: 0 }, "the clock of the provider is ahead");
    await client.text(`/confirm/oidc?at=${now - 300}`);
    assertEquals(await read(client), { oidc: 0 });
  });

  test("another subject takes no confirmations along", async (scene) => {
    for (const path of ["/subject/user:43", "/unbind"]) {
      const { client, read } = stage(scene);
      await client.text("/login/password");
      await client.text(path);
      assertEquals(await read(client), {}, path);
      await client.text(`/subject/${ADA}`);
      assertEquals(await read(client), {}, `${path} and back`);
    }
    const { client, read } = stage(scene);
    await client.text("/login/password");
    await client.text("/subject/user:43?and=otp");
    assertEquals(await read(client), { otp: 0 });
    const visitor = stage(scene);
    await visitor.client.text("/confirm/password");
    await visitor.client.text(`/subject/${ADA}`);
    assertEquals(await visitor.read(visitor.client), {}, "a login of nobody");
  });

  test("a confirmation is dropped with the other changes of a request that fails, unless it was saved", async (scene) => {
    const { client, read } = stage(scene);
    await client.text("/login/password");
    assertEquals((await client.fetch("/confirm/otp?fail=1")).status, 500);
    assertEquals(await read(client), { password: 0 });
    if (scene.stateless) return;
    assertEquals((await client.fetch("/confirm/otp?save=1&fail=1")).status, 500);
    assertEquals(await read(client), { password: 0, otp: 0 });
  });
}

/** What becomes of confirmations at the same time, in stores that lose no write. */
export function confirmationRaces(test: SceneTest): void {
  test("confirmations at the same time are all kept, each with its later time", async (scene) => {
    const { clock } = scene;
    const { client, make, gate, read } = stage(scene);
    await client.text("/login/password");
    const other = await withSameCookie(client, make());
    clock.advance(1);
    const slow = [
      client.text("/confirm/password?hold=1"),
      client.text("/confirm/passkey?hold=1"),
      client.text("/note/a?hold=1"),
    ];
    await gate.arrived(3);
    clock.advance(10);
    await other.text("/confirm/password");
    await other.text("/confirm/otp");
    gate.open();
    assertEquals(await Promise.all(slow), ["confirmed", "confirmed", "noted"]);
    assertEquals(await read(client), { password: 11, passkey: 1, otp: 11 });
  });

  test("of two logins at the same time each confirms its own session", async (scene) => {
    const { client, make, gate, read } = stage(scene);
    await client.text("/note/a");
    await client.text("/confirm/sms");
    const other = await withSameCookie(client, make());
    const slow = [client.fetch("/login/password?hold=1"), other.fetch("/login/otp?hold=1")];
    await gate.arrived(2);
    gate.open();
    for (const response of await Promise.all(slow)) assertEquals(response.status, 200);
    assertEquals([await read(client), await read(other)], [{ password: 0 }, { otp: 0 }]);
  });

  test("a confirmation under a new token of the same time is kept", async (scene) => {
    const { client, make, gate, read } = stage(scene, { rotate: { every: 1, grace: 30 } });
    await client.text("/login/password");
    const other = await withSameCookie(client, make());
    const slow = other.text("/confirm/otp?hold=1");
    await gate.arrived();
    scene.clock.advance(2);
    await client.text("/read");
    gate.open();
    assertEquals(await slow, "confirmed");
    assertEquals(await read(client), { password: 0, otp: 0 });
  });

  test("a confirmation doesn't count for the subject that another request has set meanwhile", async (scene) => {
    for (const path of ["/subject/user:43", "/unbind"]) {
      const { client, make, gate, read } = stage(scene);
      await client.text("/login/password");
      const other = await withSameCookie(client, make());
      const slow = client.text("/confirm/otp?hold=1");
      await gate.arrived();
      await other.text(path);
      gate.open();
      assertEquals(await slow, "confirmed");
      assertEquals(await read(client), {}, path);
    }
    const { client, make, gate, read } = stage(scene);
    await client.text("/login/password");
    const other = await withSameCookie(client, make());
    const slow = client.text("/subject/user:43?hold=1");
    await gate.arrived();
    await other.text("/confirm/otp");
    gate.open();
    assertEquals(await slow, "bound");
    assertEquals(await read(client), {}, "a confirmation of the subject before");
  });

  test("a confirmation with a new token is answered 409 where the session has ended meanwhile", async (scene) => {
    const { client, make, gate, read } = stage(scene);
    await client.text("/login/password");
    const other = await withSameCookie(client, make());
    const slow = client.fetch("/regenerate?confirm=otp&hold=1");
    await gate.arrived();
    await other.text("/logout");
    gate.open();
    assertEquals((await slow).status, 409);
    assertEquals(await read(client), {});
  });
}
