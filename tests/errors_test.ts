import {
  session,
  SessionCommittedError,
  SessionConflictError,
  SessionEndedError,
  type SessionError,
  SessionExistsError,
  SessionLimitError,
  type SessionOptions,
  SessionSerializationError,
  SessionStoreError,
  SessionTooLargeError,
  startSession,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { asResponse } from "../src/http/error_response.ts";
import { Client } from "./_support/client.ts";

interface Data {
  note?: unknown;
}

/** Every class, and what a client is answered when an application lets it pass. */
const ERRORS: [error: SessionError, status: number, body: string | undefined][] = [
  [new SessionCommittedError("Cannot …"), 500, undefined],
  [new SessionConflictError("Cannot …"), 409, "Conflict"],
  [new SessionEndedError("Cannot …"), 409, "Conflict"],
  [new SessionExistsError("Cannot …"), 409, "Conflict"],
  [new SessionLimitError("Cannot …"), 403, "Forbidden"],
  [new SessionSerializationError("Cannot …"), 500, undefined],
  [new SessionStoreError("Cannot …"), 503, "Service Unavailable"],
  [new SessionTooLargeError("Cannot …", { size: 2, limit: 1 }), 500, undefined],
];

function makeApp(options: SessionOptions<Data> = {}) {
  return new Hono()
    .use(session<Data>({ store: new MapStore(), ...options }))
    .get("/login/end", (c) => {
      c.var.session.subject = "user:42";
      return c.text("welcome");
    })
    .get("/login/save", async (c) => {
      c.var.session.subject = "user:42";
      await c.var.session.save();
      return c.text("welcome");
    })
    .get("/login/start", async (c) => {
      const session = await startSession(c);
      session.subject = "user:42";
      await session.save();
      return c.text("welcome");
    })
    .get("/note/end", (c) => {
      c.var.session.note = "noted";
      return c.text("noted");
    })
    .get("/note/save", async (c) => {
      c.var.session.note = "noted";
      await c.var.session.save();
      return c.text("noted");
    })
    .get("/start", async (c) => {
      await startSession(c);
      return c.text("started");
    })
    .get("/ended", (c) => {
      const { session } = c.var;
      session.destroy();
      session.renew();
      return c.text("renewed");
    });
}

Deno.test("every error has the status that it is answered with", async () => {
  for (const [error, status, body] of ERRORS) {
    assertEquals(error.status, status, error.code);
    const app = new Hono().get("/", () => {
      throw error;
    });
    const failed = new Hono().get("/", () => {
      throw asResponse(error);
    });
    if (body === undefined) {
      // A fault of the application, which Hono reports and answers.
      assert(!("getResponse" in error), error.code);
      assertEquals(asResponse(error), error);
      continue;
    }
    for (const response of [await app.request("/"), await failed.request("/")]) {
      assertEquals([response.status, await response.text()], [status, body], error.code);
    }
    const exception = asResponse(error);
    assert(exception instanceof HTTPException);
    assertEquals([exception.status, exception.message, exception.cause], [status, body, error]);
  }
  assertEquals(asResponse("anything else"), "anything else");
});

Deno.test("a session over the limit is a 403, whenever that is found", async () => {
  for (const path of ["/login/end", "/login/save", "/login/start"]) {
    const app = makeApp({ maxSessions: { limit: 1, policy: "reject" } });
    assertEquals(await new Client(app).text(path), "welcome");
    const response = await new Client(app).fetch(path);
    assertEquals([response.status, await response.text()], [403, "Forbidden"], path);
  }
});

Deno.test("a store that fails is a 503, whenever that is found", async () => {
  for (const path of ["/note/end", "/note/save"]) {
    const store = new FaultyStore(new MapStore());
    const client = new Client(makeApp({ store, logger: { error() {}, warn() {} } }));
    store.inject("create", "fail");
    const response = await client.fetch(path);
    assertEquals([response.status, await response.text()], [503, "Service Unavailable"], path);
  }
});

Deno.test("what finds another session, or its own ended, is a 409", async () => {
  const client = new Client(makeApp({ allowOverwrite: false }));
  await client.text("/note/end");
  for (const path of ["/start", "/ended"]) {
    const response = await client.fetch(path);
    assertEquals([response.status, await response.text()], [409, "Conflict"], path);
  }
});
