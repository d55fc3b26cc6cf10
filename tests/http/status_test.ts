import {
  getSession,
  type Session,
  session,
  SessionConflictError,
  SessionEndedError,
  type SessionEnv,
  type SessionOptions,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Context, Hono } from "hono";
import { every } from "hono/combine";
import { HTTPException } from "hono/http-exception";
import { Client } from "../_support/client.ts";

interface Data {
  attempts?: number;
  notice?: string;
}

type App = Hono<SessionEnv<Data>>;
type AppContext = Context<SessionEnv<Data>>;

const QUIET = { error() {}, warn() {} };

/** What an application throws where a form is not filled in as it should be. */
class InvalidForm extends Error {}

/** Counts an attempt, then ends as told. */
const attempt = (end: (c: AppContext) => Response) => (c: AppContext) => {
  c.var.session.attempts = (c.var.session.attempts ?? 0) + 1;
  return end(c);
};

function raise(error: unknown): never {
  throw error;
}

function setup(options: SessionOptions<Data> = {}) {
  const store = new FaultyStore(new MapStore());
  const app: App = new Hono<SessionEnv<Data>>();
  app.use(session<Data>({ store, logger: QUIET, ...options }));
  app.get("/read", async (c) => c.json(await getSession<Data>(c)));
  app.get("/start", async (c) => {
    (await getSession<Data>(c)).attempts = 0;
    return c.text("started");
  });
  return { app, store, client: new Client(app) };
}

const withStatus = (status: number) => (error: Error, c: Context) =>
  c.text(error.name, status as 400);

/** Ways to answer, the status of each, and whether that keeps what the handler changed. */
const ANSWERS: Record<string, [mount: (app: App) => unknown, status: number, kept: boolean]> = {
  "returned 403": [(app) => app.get("/", attempt((c) => c.text("no", 403))), 403, true],
  "returned 499": [(app) => app.get("/", attempt((c) => c.text("no", 499 as 400))), 499, true],
  "returned 500": [(app) => app.get("/", attempt((c) => c.text("failed", 500))), 500, false],
  "thrown 403": [(app) => app.get("/", attempt(() => raise(new HTTPException(403)))), 403, true],
  "thrown 503": [(app) => app.get("/", attempt(() => raise(new HTTPException(503)))), 503, false],
  "thrown redirect": [
    (app) =>
      app.get(
        "/",
        attempt((c) => raise(new HTTPException(303 as 400, { res: c.redirect("/read", 303) }))),
      ),
    303,
    true,
  ],
  "thrown error": [
    (app) => app.get("/", attempt(() => raise(new Error("failed")))).onError(withStatus(500)),
    500,
    false,
  ],
  "an error that says how it is answered": [
    (app) =>
      app.get(
        "/",
        attempt(() =>
          raise(
            Object.assign(new Error(), { getResponse: () => new Response("no", { status: 422 }) }),
          )
        ),
      ),
    422,
    true,
  ],
  "an error that onError answers with 303": [
    (app) =>
      app.get("/", attempt(() => raise(new InvalidForm()))).onError((_, c) =>
        c.redirect("/read", 303)
      ),
    303,
    true,
  ],
  "an HTTPException of 403 that onError answers with 500": [
    (app) => app.get("/", attempt(() => raise(new HTTPException(403)))).onError(withStatus(500)),
    500,
    false,
  ],
  "a sub-app whose own onError answers with 422": [
    (app) =>
      app.route(
        "/",
        new Hono<SessionEnv<Data>>().get("/", attempt(() => raise(new InvalidForm())))
          .onError(withStatus(422)),
      ).onError(withStatus(500)),
    422,
    true,
  ],
  "a sub-app whose own onError answers with 500": [
    (app) =>
      app.route(
        "/",
        new Hono<SessionEnv<Data>>().get("/", attempt(() => raise(new HTTPException(422))))
          .onError(withStatus(500)),
      ).onError(withStatus(422)),
    500,
    false,
  ],
  "a sub-app whose own onError throws what the application answers with 422": [
    (app) =>
      app.route(
        "/",
        new Hono<SessionEnv<Data>>().get("/", attempt(() => raise(new InvalidForm())))
          .onError(raise),
      ).onError(withStatus(422)),
    422,
    true,
  ],
  "a middleware between that throws after the handler": [
    (app) =>
      app.use(async (_, next) => {
        await next();
        throw new HTTPException(409);
      }).get("/", attempt((c) => c.text("done"))),
    409,
    true,
  ],
  "a middleware between that answers otherwise": [
    (app) =>
      app.use(async (c, next) => {
        await next();
        c.res = c.text("sorry", 500);
      }).get("/", attempt((c) => c.text("done"))),
    500,
    false,
  ],
  "a middleware between that makes up for an error": [
    (app) =>
      app.use(async (c, next) => {
        await next();
        if (c.error) c.res = c.text("done after all");
      }).get("/", attempt(() => raise(new Error("failed")))).onError(withStatus(500)),
    200,
    true,
  ],
  "a not-found handler that throws 404": [
    (app) => app.notFound(attempt(() => raise(new HTTPException(404)))),
    404,
    true,
  ],
  "a not-found handler that fails": [
    (app) => app.notFound(attempt(() => raise(new Error("failed")))).onError(withStatus(500)),
    500,
    false,
  ],
  // It passes the session middleware, which can't know that there is an answer to it.
  "a not-found handler that throws what onError answers with 303": [
    (app) =>
      app.notFound(attempt(() => raise(new InvalidForm())))
        .onError((_, c) => c.redirect("/read", 303)),
    303,
    false,
  ],
  "a not-found handler behind a middleware that throws what onError answers with 303": [
    (app) =>
      app.use("/", async (_, next) => await next())
        .notFound(attempt(() => raise(new InvalidForm())))
        .onError((_, c) => c.redirect("/read", 303)),
    303,
    true,
  ],
};

async function attemptBefore(c: AppContext, next: () => Promise<void>): Promise<void> {
  c.var.session.attempts = (c.var.session.attempts ?? 0) + 1;
  await next();
}

for (const [name, [mount, status, kept]] of Object.entries(ANSWERS)) {
  Deno.test(`the status of the answer decides what is committed: ${name}`, async () => {
    const { app, client } = setup();
    mount(app);
    await client.text("/start");
    for (const times of [1, 2]) {
      const response = await client.fetch("/");
      await response.body?.cancel();
      assertEquals(response.status, status);
      assertEquals(await client.json("/read"), { attempts: kept ? times : 0 });
    }
    // A new session as well.
    const visitor = new Client(app);
    const first = await visitor.fetch("/");
    await first.body?.cancel();
    assertEquals(first.headers.getSetCookie().length, kept ? 1 : 0);
    assertEquals(await visitor.json("/read"), kept ? { attempts: 1 } : {});
  });

  Deno.test(`commitOnError keeps what is changed whatever the answer: ${name}`, async () => {
    const { app, client } = setup({ commitOnError: true });
    mount(app);
    await client.text("/start");
    await client.text("/");
    assertEquals(await client.json("/read"), { attempts: 1 });
  });
}

/** Errors that pass the middleware: it knows of the answer what the error says of it. */
const PASSING: Record<string, [error: unknown, kept: boolean]> = {
  "an HTTPException of 401": [new HTTPException(401), true],
  "an HTTPException of 500": [new HTTPException(500), false],
  "an HTTPException whose response is another's": [
    new HTTPException(422, { res: new Response("no", { status: 200 }) }),
    true,
  ],
  "an error with a response of 409": [
    Object.assign(new Error(), { getResponse: () => new Response(null, { status: 409 }) }),
    true,
  ],
  "an error with a response of 502": [
    Object.assign(new Error(), { getResponse: () => new Response(null, { status: 502 }) }),
    false,
  ],
  "an error whose response fails": [
    Object.assign(new Error(), { getResponse: () => raise(new Error("worse")) }),
    false,
  ],
  "an error of the session that is a conflict": [new SessionEndedError("Cannot …"), true],
  "a plain error": [new Error("failed"), false],
  "an error that has a status and no response": [
    Object.assign(new Error("failed"), { status: 404 }),
    false,
  ],
};

for (const [name, [error, kept]] of Object.entries(PASSING)) {
  Deno.test(`an error that passes the middleware commits by the status that it carries: ${name}`, async () => {
    const store = new MapStore();
    let held: Session<Data> | undefined;
    const app = new Hono<SessionEnv<Data>>()
      .use(
        "/",
        every(
          session<Data>({ store, logger: QUIET }),
          attemptBefore as never,
          () => raise(error),
        ),
      )
      .get("/read", session<Data>({ store }), (c) => c.json(c.var.session))
      .onError((_, c) => {
        held = c.var.session;
        return c.text("no", 400);
      });
    const client = new Client(app);
    assertEquals((await client.fetch("/")).status, 400);
    assertEquals(await client.json("/read"), kept ? { attempts: 1 } : {});
    assert(held, "it can be read");
  });
}

Deno.test("what is thrown and is no error drops what was changed", async () => {
  const { app, client } = setup();
  app.get("/", attempt(() => raise({ status: 403, getResponse: () => new Response("no") })));
  await client.text("/start");
  await assertRejects(async () =>
    await client.fetch("/").catch((error) => raise(new Error("", error)))
  );
  assertEquals(await client.json("/read"), { attempts: 0 });
});

Deno.test("an application behind app.mount() is asked for its status as any handler", async () => {
  const { app, client } = setup();
  const inner = new Hono().get("/fails", () => raise(new Error())).get(
    "/refuses",
    () => raise(new HTTPException(403)),
  ).onError((error, c) => c.text("", error instanceof HTTPException ? error.status : 502));
  app.use("/mounted/*", attemptBefore);
  app.mount("/mounted", inner.fetch);
  await client.text("/start");
  assertEquals((await client.fetch("/mounted/refuses")).status, 403);
  assertEquals((await client.fetch("/mounted/fails")).status, 502);
  assertEquals(await client.json("/read"), { attempts: 1 });
});

Deno.test("a session in a sub-app with an onError of its own follows that", async () => {
  const store = new MapStore();
  const sub = new Hono<SessionEnv<Data>>()
    .use(session<Data>({ store }))
    .get("/refused", attempt(() => raise(new InvalidForm())))
    .get("/failed", attempt(() => raise(new Error("failed"))))
    .get("/read", (c) => c.json(c.var.session))
    .onError((error, c) => c.text(error.name, error instanceof InvalidForm ? 422 : 500));
  const app = new Hono().route("/sub", sub).onError((_, c) => c.text("never", 200));
  const client = new Client(app);
  assertEquals((await client.fetch("/sub/failed")).status, 500);
  assertEquals(await client.json("/sub/read"), {});
  assertEquals((await client.fetch("/sub/refused")).status, 422);
  assertEquals(await client.json("/sub/read"), { attempts: 1 });
});

Deno.test("a commit that fails answers in the place of a thrown 403, as of a returned one", async () => {
  for (const end of [() => raise(new HTTPException(403)), (c: AppContext) => c.text("no", 403)]) {
    const errors: Error[] = [];
    const { app, client, store } = setup({ storeTimeout: 0.3 });
    app.get("/", attempt(end)).onError((error, c) => {
      errors.push(error);
      return c.text("failed", error instanceof HTTPException ? error.status : 500);
    });
    await client.text("/start");
    store.inject("update", "refuse");
    const response = await client.fetch("/");
    assertEquals([response.status, response.headers.getSetCookie()], [409, []]);
    assert(errors.at(-1)!.cause instanceof SessionConflictError);
    store.heal();
    assertEquals(await client.json("/read"), { attempts: 0 });
  }
});

Deno.test("a message for the next page is flashed by onError, alone after discard()", async () => {
  for (const lazy of [false, true]) {
    const { app, client } = setup({ lazy });
    app.get("/form", async (c) => {
      const session = await getSession<Data>(c);
      session.attempts = 99;
      throw new InvalidForm("name is missing");
    }).onError(async (error, c) => {
      if (!(error instanceof InvalidForm)) return c.text("failed", 500);
      const session = await getSession<Data>(c);
      session.discard();
      session.flash("notice", error.message);
      return c.redirect("/read", 303);
    });
    await client.text("/start");
    assertEquals((await client.fetch("/form")).status, 303);
    assertEquals(await client.json("/read"), { attempts: 0, notice: "name is missing" });
    assertEquals(await client.json("/read"), { attempts: 0 });
    // A visitor who has no session yet is told as well.
    const visitor = new Client(app);
    await visitor.text("/form");
    assertEquals(await visitor.json("/read"), { notice: "name is missing" });
  }
});
