import { requireSession, session, type SessionOptions, startSession } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { QUIET } from "./_app.ts";

interface Data {
  name?: string;
}

type App = Hono<{ Variables: { session: Data } }>;

/** Responses that an application makes once, and that can be sent again and again: they have no body. */
const KEPT: Record<string, () => Response> = {
  "204": () => new Response(null, { status: 204 }),
  "205": () => new Response(null, { status: 205, statusText: "Form Sent" }),
  "304": () => new Response(null, { status: 304, headers: { etag: '"1"' } }),
  "a redirect": () => new Response(null, { status: 303, headers: { location: "/home" } }),
  "an immutable redirect": () => Response.redirect("https://app.test/home", 302),
  "other cookies and headers": () =>
    new Response(null, {
      status: 401,
      statusText: "Who Are You",
      headers: [
        ["set-cookie", "theme=dark"],
        ["set-cookie", "lang=en"],
        ["cache-control", "public, max-age=60"],
        ["vary", "Accept"],
      ],
    }),
};

/** Ways to answer with a response that was made before. */
const WAYS: Record<string, (app: App, kept: Response) => void> = {
  "returned by the handler": (app, kept) => {
    app.get("/kept", () => kept);
  },
  "returned by a sub-app": (app, kept) => {
    app.route("/", new Hono().get("/kept", () => kept).onError(() => kept));
  },
  "returned by a mounted application": (app, kept) => {
    app.mount("/", () => kept);
  },
  "returned by middleware": (app, kept) => {
    app.use("/kept", () => Promise.resolve(kept)).get("/kept", (c) => c.text("not reached"));
  },
  "put into c.res by middleware": (app, kept) => {
    app.use("/kept", async (c, next) => {
      await next();
      c.res = undefined;
      c.res = kept;
    }).get("/kept", (c) => c.text("page"));
  },
  "put into c.res and not returned": (app, kept) => {
    app.use("/kept", async (c) => {
      c.res = await Promise.resolve(kept);
    });
  },
  "of onError": (app, kept) => {
    app.get("/kept", () => {
      throw new Error("as expected");
    }).onError(() => kept);
  },
  "of notFound": (app, kept) => {
    app.notFound(() => kept);
  },
  "of an HTTPException": (app, kept) => {
    app.get("/kept", () => {
      throw new HTTPException(401, { res: kept });
    }).onError((error) => (error as HTTPException).res!);
  },
  "made by Hono at the first request": (app, kept) => {
    let made: Response | undefined;
    app.get("/kept", (c) => made ??= c.newResponse(null, kept));
  },
  "of a guard": (app, kept) => {
    app.get("/kept", requireSession({ has: ["nobody" as never], response: () => kept }));
  },
};

/** What one user does, of which the response tells the client. */
const DEEDS: Record<string, (c: Context<{ Variables: { session: Data } }>) => unknown> = {
  nothing: () => {},
  "a write": (c) => c.var.session.name = "Adalbert",
  "a login": async (c) => {
    c.var.session.name = "Adalbert";
    await (c.get("session") as unknown as { regenerate(): Promise<void> }).regenerate();
  },
  "startSession()": (c) => startSession<Data>(c, { name: "Adalbert" }),
  "a logout": (c) => c.set("session", null as never),
};

const SETTINGS: Record<string, (clock: FakeClock) => SessionOptions<Data>> = {
  "MapStore, rolling": (clock) => ({
    store: new MapStore({ clock: clock.now }),
    rolling: { after: 1 },
  }),
  "MapStore, with tokens": (clock) => ({
    store: new MapStore({ clock: clock.now }),
    token: { secret: SECRET, maxAge: 60 },
  }),
  "EncryptedCookieStore": (clock) => ({
    store: new EncryptedCookieStore({ secret: SECRET, clock: clock.now }),
  }),
};

/** Everything that a response says. */
function wordsOf(response: Response): unknown {
  return [response.status, response.statusText, ...response.headers];
}

for (const [setting, options] of Object.entries(SETTINGS)) {
  for (const [way, answer] of Object.entries(WAYS)) {
    Deno.test(`kept responses: one ${way} is never changed, with ${setting}`, async () => {
      for (const [what, make] of Object.entries(KEPT)) {
        for (const [deed, act] of Object.entries(DEEDS)) {
          const clock = new FakeClock();
          const kept = make();
          const asMade = wordsOf(kept);
          const app: App = new Hono();
          app.use(session<Data>({ clock: clock.now, logger: QUIET, ...options(clock) }));
          app.use(async (c, next) => {
            if (c.req.header("deed")) await act(c);
            await next();
          });
          app.get("/login", (c) => {
            c.var.session.name = "Adalbert";
            return c.text("welcome");
          });
          answer(app, kept);
          const sent = async (client: Client, headers: Record<string, string> = {}) => {
            const response = await client.fetch("/kept", { headers });
            assertEquals(response.status, kept.status, way);
            await response.body?.cancel();
            return response;
          };
          const stranger = async () => wordsOf(await sent(new Client(app)));
          const [user, fresh] = [new Client(app), new Client(app)];
          const title = `${what}, ${deed}`;
          const before = await stranger();
          await user.text("/login");
          clock.advance(10);
          const response = await sent(user, { deed: "yes" });
          // What it says is there as well.
          for (const [name, value] of kept.headers) {
            if (["vary", "cache-control"].includes(name)) continue;
            assert(response.headers.get(name)?.includes(value), `${title}: ${name}`);
          }
          assert(response.headers.get("vary")?.includes("Cookie"), title);
          await sent(fresh, { deed: "yes" });
          assertEquals(wordsOf(kept), asMade, title);
          assertEquals(await stranger(), before, title);
        }
      }
    });
  }
}

Deno.test("kept responses: who asks after a user gets neither cookie nor session", async () => {
  for (const [what, make] of Object.entries(KEPT)) {
    const kept = make();
    const app = new Hono()
      .use(session<Data>({ store: new MapStore() }))
      .get("/login", (c) => {
        c.var.session.name = "Adalbert";
        return kept;
      })
      .get("/other", () => kept)
      .get("/me", (c) => c.text(c.var.session.name ?? "nobody"));
    const [user, visitor] = [new Client(app), new Client(app)];
    assertEquals((await user.fetch("/login")).headers.getSetCookie().length > 0, true, what);
    await visitor.fetch("/other");
    assertEquals(await visitor.text("/me"), "nobody", what);
    assertEquals(await user.text("/me"), "Adalbert", what);
  }
});

Deno.test("kept responses: headers of the application are never changed", async () => {
  const headers = new Headers({ location: "/home" });
  const plain = { location: "/home" };
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .use(async (c, next) => {
      c.var.session.name = "Adalbert";
      await next();
    })
    .get("/headers", () => new Response(null, { status: 303, headers }))
    .get("/newResponse", (c) => c.newResponse(null, { status: 303, headers }))
    .get("/body", (c) => c.body(null, 303, plain))
    .get("/text", (c) => c.text("", 200, plain));
  for (const path of ["/headers", "/newResponse", "/body", "/text"]) {
    const response = await app.request(path);
    await response.body?.cancel();
    assertEquals(response.headers.getSetCookie().length, 1);
    assertEquals([[...headers], { ...plain }], [[["location", "/home"]], { location: "/home" }]);
  }
});

Deno.test("kept responses: one with a body gives nobody the cookie of another", async () => {
  for (const make of [() => new Response("page"), () => Response.json({ page: 1 })]) {
    const kept = make();
    const asMade = wordsOf(kept);
    const app = new Hono()
      .use(session<Data>({ store: new MapStore() }))
      .get("/login", (c) => {
        c.var.session.name = "Adalbert";
        return kept;
      })
      .get("/again", () => kept);
    // Its body stays unread.
    const head = await app.request("/login", { method: "HEAD" });
    const user = await app.request("/login");
    assertEquals([head, user].map(({ headers }) => headers.getSetCookie().length), [1, 1]);
    assertEquals(wordsOf(kept), asMade);
    assertEquals(wordsOf(await app.request("/again", { method: "HEAD" })), asMade);
    await user.body?.cancel();
  }
});

Deno.test("kept responses: a body that is used can't be sent, and the error says what to do", async () => {
  const kept = new Response(new Blob(["page"]).stream());
  const errors: Error[] = [];
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .get("/login", (c) => {
      c.var.session.name = "Adalbert";
      return kept;
    })
    .onError((error, c) => {
      errors.push(error);
      return c.text("failed", 500);
    });
  assertEquals(await (await app.request("/login")).text(), "page");
  const again = await app.request("/login");
  assertEquals([again.status, await again.text()], [500, "failed"]);
  assertEquals(errors.map(({ message }) => message), [
    "Cannot add headers of session to response: its body was used before; return a new Response for each request",
  ]);
});

Deno.test("kept responses: what has a body is copied without reading it", async () => {
  const pulled: number[] = [];
  let cancelled: unknown;
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .get("/stream", (c) => {
      c.var.session.name = "Adalbert";
      let count = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          pulled.push(++count);
          controller.enqueue(new Uint8Array([count]));
        },
        cancel(reason) {
          cancelled = reason;
        },
      }, { highWaterMark: 0 });
      return new Response(body, { headers: { "content-type": "application/octet-stream" } });
    });
  const response = await app.request("/stream");
  assertEquals(response.headers.getSetCookie().length, 1);
  assertEquals(pulled, []);
  const reader = response.body!.getReader();
  assertEquals((await reader.read()).value, new Uint8Array([1]));
  assertEquals(pulled, [1]);
  await reader.cancel("enough");
  assertEquals([pulled, cancelled], [[1], "enough"]);
});

/** Responses that there can be no copy of, and why. */
const FIXED: Record<string, () => Response> = {
  "the response is a network error; return another one": () => Response.error(),
  // RESPONSE_ALREADY_SENT of @hono/node-server, which would send a copy of it.
  "the handler has sent the response by itself; change the session before that, in another request":
    () => new Response(null, { headers: { "x-hono-already-sent": "true" } }),
};

Deno.test("kept responses: what can't be copied is left alone, and a cookie that can't be sent is reported", async () => {
  for (const [state, make] of Object.entries(FIXED)) {
    const warnings: string[] = [];
    const kept = make();
    const asMade = wordsOf(kept);
    const app = new Hono()
      .use(session<Data>({
        store: new MapStore(),
        logger: { error() {}, warn: (message) => warnings.push(message) },
      }))
      .get("/login", (c) => {
        c.var.session.name = "Adalbert";
        return c.text("welcome");
      })
      .get("/read", () => kept)
      .get("/write", (c) => {
        c.var.session.name = "Evelinda";
        return kept;
      })
      .get("/logout", (c) => {
        c.set("session", null as never);
        return kept;
      });
    const user = new Client(app);
    await user.text("/login");
    const headers = { cookie: await user.cookie() };
    for (const path of ["/read", "/write"]) {
      assertEquals(await app.request(path, { headers }), kept);
      assertEquals([warnings, wordsOf(kept)], [[], asMade], path);
    }
    const expected = `Cannot send session cookie: ${state}`;
    assertEquals(await app.request("/write"), kept);
    assertEquals([warnings.splice(0), wordsOf(kept)], [[expected], asMade]);
    assertEquals(await app.request("/logout", { headers }), kept);
    assertEquals([warnings, wordsOf(kept)], [[expected], asMade]);
  }
});
