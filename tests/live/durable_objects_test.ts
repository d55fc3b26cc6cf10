// Ends that Durable Objects push to Workers, in workerd.
import { assert, assertEquals } from "@std/assert";
import { LATEST } from "../_support/in_time.ts";
import { RARELY } from "../_support/watched_session.ts";
import { bundleText, openWorkers } from "../_support/workers.ts";

const PROGRAM = `
import { closeWithSession, session } from "@x/hono-session/core";
import { DurableObjectStore, SessionObject } from "@x/hono-session/stores/durable-objects";
import { Hono } from "hono";
import { upgradeWebSocket } from "hono/cloudflare-workers";
import { streamSSE } from "hono/streaming";


/** The object of the package, which can refuse those who watch, and end. */
export class TestObject extends SessionObject {
  static isCut = false;

  constructor(state) {
    super(state);
    this.state = state;
    this.instance = crypto.randomUUID();
  }

  async fetch(request) {
    if (request.headers.has("x-abort")) this.state.abort("the isolate ends");
    if (request.headers.has("x-sockets")) {
      return Response.json(this.state.getWebSockets().length);
    }
    if (request.headers.has("x-instance")) return new Response(this.instance);
    if (request.headers.has("x-cut")) {
      TestObject.isCut = request.headers.get("x-cut") === "true";
      if (TestObject.isCut) for (const socket of this.state.getWebSockets()) socket.close();
      return Response.json(true);
    }
    if (TestObject.isCut && request.headers.has("upgrade")) return new Response(null, { status: 503 });
    return await super.fetch(request);
  }
}

const store = new DurableObjectStore({ namespace: (c) => c.env.SESSIONS, shards: 1 });

const makeApp = (every) => new Hono()
  .use(session({ store, live: { every }, cookieOptions: { secure: false } }))
  .get("/begin", async (c) => {
    await c.var.session.regenerate();
    c.var.session.subject = c.req.query("as");
    return c.text("begun");
  })
  .get("/regenerate", async (c) => {
    await c.var.session.regenerate();
    return c.text("regenerated");
  })
  .get("/read", (c) => c.text(String(c.var.session.ended.aborted)))
  .get("/logout", (c) => {
    c.var.session.destroy();
    return c.text("bye");
  })
  .get("/events", (c) =>
    streamSSE(c, async (stream) => {
      const { ended } = c.var.session;
      const isOver = new Promise((resolve) => ended.addEventListener("abort", resolve));
      await stream.writeSSE({ data: "open" });
      const isBrief = c.req.query("brief") && new Promise((resolve) => setTimeout(resolve, 1000));
      await Promise.race([isOver, ...(isBrief ? [isBrief] : [])]);
      await stream.writeSSE({ data: ended.reason ?? "" });
    }))
  .get("/socket", upgradeWebSocket((c) =>
    closeWithSession(c.get("session"), {
      onMessage: (event, ws) => ws.send("You said " + event.data),
    })
  ));

export default new Hono()
  .get("/object", async (c) => {
    const stub = c.env.SESSIONS.get(c.env.SESSIONS.idFromName("0/1:session"));
    const response = await stub.fetch("https://sessions.invalid/", { headers: { [c.req.query("do")]: c.req.query("with") ?? "" } })
      .catch((error) => new Response(String(error)));
    return c.text(await response.text());
  })
  .route("/push", makeApp(${RARELY}))
  .route("/poll", makeApp(1));
`;

const workers = await openWorkers(await bundleText(PROGRAM), {
  objects: { SESSIONS: "TestObject" },
});
if (workers) Deno.test.afterAll(async () => await workers[Symbol.asyncDispose]());

/** How long a watch may take to begin, and to begin again, in milliseconds. */
const SETTLED = 300;
const RECONNECTED = 2500;
/** How long workerd keeps an object that has nothing to do, in milliseconds. */
const HIBERNATED = 12_000;

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function at(path: string): URL {
  return new URL(path, workers!.url);
}

async function ask(path: string, cookie = ""): Promise<{ text: string; cookie: string }> {
  const response = await fetch(at(path), { headers: { cookie } });
  const text = await response.text();
  const [set = ""] = response.headers.getSetCookie();
  return { text, cookie: set.split(";")[0]! };
}

/** An event stream that is open until its session ends. */
async function open(path: string, cookie: string) {
  const response = await fetch(at(path), { headers: { cookie } });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await reader.read()).value, "data: open\n\n");
  const stream = { isOver: false, reason: Promise.resolve("") };
  stream.reason = reader.read().then(({ value = "" }) => {
    stream.isOver = true;
    return value.slice("data: ".length).trim();
  });
  await pause(SETTLED);
  return stream;
}

/** How long something takes, in milliseconds. */
async function timed<Value>(promise: Promise<Value>): Promise<{ value: Value; took: number }> {
  const start = performance.now();
  return { value: await promise, took: performance.now() - start };
}

function test(name: string, fn: () => Promise<void>): void {
  // Miniflare keeps a port.
  Deno.test({ name, ignore: !workers, sanitizeResources: false, sanitizeOps: false, fn });
}

const countSockets = async () => Number((await ask("/object?do=x-sockets")).text);

test("a Durable Object pushes the end of a session to another request, and ends no other one", async () => {
  const [ada, bob] = [await ask("/push/begin?as=ada"), await ask("/push/begin?as=bob")];
  const [stream, other] = [
    await open("/push/events", ada.cookie),
    await open("/push/events", bob.cookie),
  ];
  assertEquals(await countSockets(), 2);
  await ask("/push/logout", ada.cookie);
  const { value, took } = await timed(stream.reason);
  assertEquals(value, "logout");
  assert(took < LATEST, `${took} ms`);
  await pause(SETTLED);
  assertEquals([other.isOver, await countSockets()], [false, 1]);
  await ask("/push/logout", bob.cookie);
  assertEquals(await other.reason, "logout");
});

test("a Durable Object pushes the end of a session that has moved", async () => {
  const ada = await ask("/push/begin?as=ada");
  const stream = await open("/push/events", ada.cookie);
  let { cookie } = ada;
  for (let time = 0; time < 3; time++) {
    ({ cookie } = await ask("/push/regenerate", cookie));
    await pause(SETTLED * 2);
    assertEquals(stream.isOver, false);
  }
  await ask("/push/logout", cookie);
  const { value, took } = await timed(stream.reason);
  assertEquals([value, took < LATEST], ["logout", true], `${took} ms`);
});

test("a WebSocket is closed when a Durable Object pushes the end of its session", async () => {
  const { cookie } = await ask("/push/begin?as=ada");
  const url = at("/push/socket");
  url.protocol = "ws:";
  const socket = new WebSocket(url, { headers: { cookie } } as never);
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const answer = new Promise((resolve) =>
    socket.addEventListener("message", ({ data }) => resolve(data))
  );
  socket.send("hello");
  assertEquals(await answer, "You said hello");
  await pause(SETTLED);
  await ask("/push/logout", cookie);
  const { value: { code, reason }, took } = await timed(closed);
  assertEquals([code, reason, took < LATEST], [4401, "logout", true], `${took} ms`);
});

test("an object that ends, and a connection that is lost, end nobody, and are connected again", async () => {
  const [ada, bob] = [await ask("/push/begin?as=ada"), await ask("/push/begin?as=bob")];
  const [stream, other] = [
    await open("/push/events", ada.cookie),
    await open("/push/events", bob.cookie),
  ];
  await ask("/object?do=x-abort");
  await pause(RECONNECTED);
  assertEquals([stream.isOver, other.isOver, await countSockets()], [false, false, 2]);
  await ask("/push/logout", ada.cookie);
  const { value, took } = await timed(stream.reason);
  assertEquals([value, took < LATEST], ["logout", true], `${took} ms`);
  assertEquals(other.isOver, false);
  await ask("/push/logout", bob.cookie);
  await other.reason;
});

test("an object hibernates while sessions are watched, and pushes their ends", async () => {
  const { cookie } = await ask("/push/begin?as=ada");
  const stream = await open("/push/events", cookie);
  const before = await ask("/object?do=x-instance");
  await pause(HIBERNATED);
  const after = await ask("/object?do=x-instance");
  assertEquals([stream.isOver, after.text === before.text], [false, false]);
  await ask("/push/logout", cookie);
  const { value, took } = await timed(stream.reason);
  assertEquals([value, took < LATEST], ["logout", true], `${took} ms`);
});

test("an end is noticed in time while an object refuses those who watch", async () => {
  const ada = await ask("/poll/begin?as=ada");
  const stream = await open("/poll/events", ada.cookie);
  await ask("/object?do=x-cut&with=true");
  await pause(SETTLED);
  assertEquals([stream.isOver, await countSockets()], [false, 0]);
  await ask("/poll/logout", ada.cookie);
  const { value, took } = await timed(stream.reason);
  assertEquals([value, took < LATEST], ["ended", true], `${took} ms`);
  await ask("/object?do=x-cut&with=false");
});

test("who watches a session no longer has no connection to its object", async () => {
  const { cookie } = await ask("/push/begin?as=ada");
  assertEquals(await countSockets(), 0);
  await ask("/push/read", cookie);
  assertEquals(await countSockets(), 0, "a request that is over");
  const stream = await open("/push/events?brief=yes", cookie);
  assertEquals(await countSockets(), 1);
  assertEquals(await stream.reason, "");
  for (let time = 0; time < 50 && await countSockets() > 0; time++) await pause(50);
  assertEquals(await countSockets(), 0);
});
