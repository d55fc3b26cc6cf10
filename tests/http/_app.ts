import {
  endSession,
  type Session,
  session,
  type SessionOptions,
  startSession,
} from "@x/hono-session";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { streamText } from "hono/streaming";
import { streamUntilEnded } from "../_support/ended_stream.ts";
import type { Gate } from "../_support/gate.ts";

export interface Data {
  name?: string;
  count?: number;
  cart?: string[];
  notice?: string;
  a?: number;
  b?: number;
}

/** An application that does everything to a session that can be done. */
export function makeApp(options: SessionOptions<Data>, gate: Pick<Gate, "pass">) {
  return new Hono()
    .use(session<Data>(options))
    .get("/static", (c) => c.text("static"))
    .get("/ended", (c) => streamUntilEnded(c, c.var.session))
    .get("/read", (c) => c.json(c.var.session))
    .get("/sid", (c) => c.text(c.var.session.sid))
    .get("/expires", (c) => c.text(c.var.session.expiresAt.toISOString()))
    .get("/new", (c) => c.json(c.var.session.isNew))
    .get("/set/:key/:value", (c) => {
      Object.assign(c.var.session, { [c.req.param("key")]: JSON.parse(c.req.param("value")) });
      return c.json(c.var.session.hasChanged);
    })
    .get("/push/:item", (c) => {
      (c.var.session.cart ??= []).push(c.req.param("item"));
      return c.json(c.var.session.hasChanged);
    })
    .get("/clear", (c) => {
      c.set("session", {} as typeof c.var.session);
      return c.text("cleared");
    })
    .get("/login/:name", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = c.req.param("name");
      return c.redirect("/read");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("regenerated");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.json([c.var.session, c.get("session")]);
    })
    .get("/logout/null", (c) => {
      c.set("session", null as never);
      return c.json([c.var.session, c.get("session"), Reflect.get(c, "session")]);
    })
    .get("/logout/property", (c) => {
      Reflect.set(c, "session", null);
      return c.json([c.var.session, c.get("session"), Reflect.get(c, "session")]);
    })
    .get("/logout/helper", async (c) => {
      await endSession(c);
      return c.json([c.var.session, c.get("session"), Reflect.get(c, "session")]);
    })
    .get("/switch", (c) => {
      c.var.session.destroy();
      c.set("session", { name: "another" } as typeof c.var.session);
      return c.json(c.var.session);
    })
    .get("/start", async (c) => {
      const started = await startSession(c, { name: "started" });
      return c.json(started === c.get("session"));
    })
    .get("/flash", (c) => {
      c.var.session.flash("notice", "saved");
      return c.json(c.var.session);
    })
    .get("/reflash", (c) => {
      c.var.session.reflash();
      return c.json(c.var.session);
    })
    .get("/not-modified", (c) => {
      c.header("x-notice", c.var.session.notice);
      return c.body(null, 304);
    })
    .get("/flash-not-modified", (c) => {
      c.var.session.flash("notice", "flashed");
      return c.body(null, 304);
    })
    .get("/renew", (c) => {
      c.var.session.renew();
      return c.text("renewed");
    })
    .get("/renew/:seconds", (c) => {
      c.var.session.renew(Number(c.req.param("seconds")));
      return c.text("renewed");
    })
    .get("/browser", (c) => {
      c.var.session.renew("browser");
      return c.text("renewed");
    })
    .get("/delete/:key", (c) => {
      Reflect.deleteProperty(c.var.session, c.req.param("key"));
      return c.text("deleted");
    })
    .get("/increment", async (c) => {
      await gate.pass();
      return c.json(await c.var.session.update("count", (count = 0) => count + 1));
    })
    .get("/slow/read", async (c) => {
      await gate.pass();
      return c.json(c.var.session, 202);
    })
    .get("/slow/set/:key/:value", async (c) => {
      await gate.pass();
      Object.assign(c.var.session, { [c.req.param("key")]: JSON.parse(c.req.param("value")) });
      return c.text("slow", 202);
    })
    .get("/slow/delete/:key", async (c) => {
      await gate.pass();
      Reflect.deleteProperty(c.var.session, c.req.param("key"));
      return c.text("slow", 202);
    })
    .get("/slow/push/:item", async (c) => {
      await gate.pass();
      (c.var.session.cart ??= []).push(c.req.param("item"));
      return c.text("slow", 202);
    })
    .get("/slow/flash", async (c) => {
      await gate.pass();
      c.var.session.flash("notice", "slow");
      return c.text("slow", 202);
    })
    .get("/slow/login/:name", async (c) => {
      await gate.pass();
      await c.var.session.regenerate();
      c.var.session.name = c.req.param("name");
      return c.text("slow", 202);
    })
    .get("/slow/login-saved/:name", async (c) => {
      await gate.pass();
      await c.var.session.regenerate();
      c.var.session.name = c.req.param("name");
      await c.var.session.save();
      return c.json(c.var.session, 202);
    })
    .get("/slow/login-saved-twice/:name", async (c) => {
      await gate.pass();
      await c.var.session.regenerate();
      c.var.session.name = c.req.param("name");
      await c.var.session.save().catch(() => {});
      return c.text("slow", 202);
    })
    .get("/slow/login-counted/:name", async (c) => {
      await gate.pass();
      await c.var.session.regenerate();
      c.var.session.name = c.req.param("name");
      return c.json(await c.var.session.update("count", (count = 0) => count + 1), 202);
    })
    .get("/slow/regenerate", async (c) => {
      await gate.pass();
      await c.var.session.regenerate();
      return c.text("slow", 202);
    })
    .get("/slow/regenerate", async (c) => {
      await gate.pass();
      await c.var.session.regenerate();
      return c.text("slow", 202);
    })
    .get("/slow/logout", async (c) => {
      await gate.pass();
      c.var.session.destroy();
      return c.text("slow", 202);
    })
    .get("/slow/saved", async (c) => {
      c.var.session.renew();
      await c.var.session.save();
      await gate.pass();
      c.var.session.a = 1;
      return c.text("slow", 202);
    })
    .get("/slow/start", async (c) => {
      await gate.pass();
      await startSession(c, { name: "started" });
      return c.text("slow", 202);
    })
    .get("/stream/:value", (c) => {
      const { session } = c.var;
      return streamText(c, async (stream) => {
        await stream.writeln("the response has left");
        await gate.pass();
        for (
          const late of [() => session.renew(), () => session.destroy(), () => session.regenerate()]
        ) {
          await stream.writeln(await outcome(late));
        }
        session.a = Number(c.req.param("value"));
        await stream.writeln(await outcome(() => session.save()));
        session.b = Number(c.req.param("value"));
        await stream.writeln(await outcome(() => session.save()));
      });
    })
    .get("/throw", (c) => {
      c.var.session.name = "thrown";
      throw new Error("handler failed");
    })
    .get("/status/:status", (c) => {
      c.var.session.name = `status ${c.req.param("status")}`;
      return c.text("status", Number(c.req.param("status")) as 200);
    })
    .get("/throw-status/:status", (c) => {
      c.var.session.name = `thrown ${c.req.param("status")}`;
      throw new HTTPException(Number(c.req.param("status")) as 400);
    })
    .get("/invalid", async (c) => {
      c.var.session.name = "invalid";
      c.var.session.cart = ["half"];
      c.var.session.subject = "user:half";
      c.var.session.renew(5);
      if (c.req.query("login")) await c.var.session.regenerate();
      throw new TypeError("name is missing");
    })
    .get("/throw-logout", (c) => {
      c.var.session.destroy();
      throw new Error("handler failed");
    })
    .get("/throw-login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = "thrown";
      throw new Error("handler failed");
    })
    .get("/save/:key/:value", async (c) => {
      Object.assign(c.var.session, { [c.req.param("key")]: JSON.parse(c.req.param("value")) });
      await c.var.session.save();
      return c.text("saved");
    })
    .get("/save-throw", async (c) => {
      c.var.session.name = "saved";
      await c.var.session.save();
      c.var.session.name = "dropped";
      throw new Error("handler failed");
    })
    .onError((error, c) => {
      if (error instanceof HTTPException) return c.text("refused", error.status);
      if (!(error instanceof TypeError)) return c.text("failed", 500);
      const session: Session<Data> = c.get("session" as never);
      session.discard();
      session.flash("notice", error.message);
      return c.redirect("/read", 303);
    });
}

/** The name of the error that something ends with, or `"done"`. */
async function outcome(run: () => unknown): Promise<string> {
  try {
    await run();
    return "done";
  } catch (error) {
    return (error as Error).name;
  }
}
