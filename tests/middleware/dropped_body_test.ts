// The body of a response that is dropped after a failed commit is cancelled, so that an outage holds nothing open.
import { session, type SessionOptions } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals } from "@std/assert";
import { type Context, type Handler, Hono } from "hono";
import { every } from "hono/combine";
import { HTTPException } from "hono/http-exception";
import { streamText } from "hono/streaming";
import { Client } from "../_support/client.ts";

interface Data {
  count?: number;
}

/** A body without an end, and whether it was cancelled. */
class Body {
  isCancelled = false;
  readonly stream: ReadableStream;

  constructor(cancel?: () => void) {
    this.stream = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1)),
      cancel: () => {
        this.isCancelled = true;
        cancel?.();
      },
    });
  }
}

/** The ways in which a commit fails, by the status that they are answered with. */
const FAILURES: Record<number, (client: Client, store: FaultyStore) => Promise<unknown>> = {
  503: async (client, store) => {
    await client.text("/login");
    store.inject("update", "fail");
  },
  409: async (client, store) => {
    await client.text("/login");
    store.inject("update", "refuse");
  },
  403: (client) => client.text("/occupy"),
};

/** How a handler answers with a stream. */
const ANSWERS: Record<string, (c: Context, body: Body) => Response | Promise<Response>> = {
  "a Response": (_c, { stream }) => new Response(stream),
  "c.body()": (c, { stream }) => c.body(stream),
  "a stream of Hono": (c, body) =>
    streamText(c, async (stream) => {
      const aborted = new Promise<void>((resolve) => stream.onAbort(resolve));
      await aborted;
      body.isCancelled = true;
    }),
  "an HTTPException": (_c, { stream }) => {
    throw new HTTPException(400, { res: new Response(stream, { status: 400 }) });
  },
  "a body whose cancel() fails": (_c, body) =>
    new Response(
      new Body(() => {
        body.isCancelled = true;
        throw new Error("cannot cancel");
      }).stream,
    ),
};

const LOGGER = { error() {}, warn() {} };

function makeClient(handler: Handler) {
  const store = new FaultyStore(new MapStore());
  const options: SessionOptions<Data> = {
    store,
    logger: LOGGER,
    storeTimeout: 0.05,
    maxSessions: { limit: 1, policy: "reject" },
  };
  const middleware = session<Data>(options);
  const change: Handler = (c, next) => {
    const { session } = c.var;
    if (session.isNew) session.subject = "user:42";
    session.count = (session.count ?? 0) + 1;
    return handler(c, next);
  };
  const app = new Hono()
    .all("/every", every(middleware, change))
    .use(middleware)
    .get("/login", (c) => {
      c.var.session.subject = "user:42";
      return c.text("welcome");
    })
    .get("/occupy", async (c) => {
      // Another device of the same user.
      await new Client(app).text("/login");
      return c.text("taken");
    })
    .get("/", change);
  return { client: new Client(app), store };
}

for (const [status, fail] of Object.entries(FAILURES)) {
  for (const path of ["/", "/every"]) {
    for (const [name, answer] of Object.entries(ANSWERS)) {
      Deno.test(`A dropped body is cancelled: ${status}, ${name}, ${path}`, async () => {
        const body = new Body();
        const { client, store } = makeClient((c) => answer(c, body));
        await fail(client, store);
        const response = await client.fetch(path);
        assertEquals(response.status, Number(status));
        await response.text();
        await undefined;
        assertEquals(body.isCancelled, true);
      });
    }

    Deno.test(`A dropped body may be null, used or locked: ${status}, ${path}`, async () => {
      const answers: Handler[] = [
        (c) => c.body(null),
        () => new Response(null, { status: 204 }),
        async () => {
          const used = new Response("used");
          await used.text();
          return used;
        },
        () => {
          const locked = new Response("locked");
          locked.body!.getReader();
          return locked;
        },
        () => {
          throw new HTTPException(400);
        },
      ];
      for (const answer of answers) {
        const { client, store } = makeClient(answer);
        await fail(client, store);
        const response = await client.fetch(path);
        assertEquals(response.status, Number(status));
        await response.text();
      }
    });
  }
}

Deno.test("A body is cancelled only where its response is dropped", async () => {
  const body = new Body();
  const { client } = makeClient(() => new Response(body.stream));
  const response = await client.fetch("/");
  assertEquals([response.status, body.isCancelled], [200, false]);
  await response.body!.cancel();
});
