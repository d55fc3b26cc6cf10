import http from "node:http";
import type { AddressInfo } from "node:net";
import { assertEquals, assertRejects } from "@std/assert";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";
import type { makeApp } from "./_app.ts";
import type { SceneTest } from "./_suite.ts";

/** What holds once the response has left, or the client has gone away. */
export function lateRaces(test: SceneTest): void {
  streams(test);
  departures(test);
}

const COMMITTED = "SessionCommittedError";

function streams(test: SceneTest): void {
  test("save() in a stream is there in the next request, all that needs a cookie is refused", async ({ makeApp, gate }) => {
    const client = new Client(makeApp());
    await client.text("/set/name/%22Ada%22");
    const response = await client.fetch("/stream/7");
    assertEquals(response.headers.getSetCookie(), []);
    await client.text("/set/count/1");
    gate.open();
    assertEquals(linesOf(await response.text()), [
      ...[COMMITTED, COMMITTED, COMMITTED],
      ...["done", "done"],
    ]);
    assertEquals(await client.json("/read"), { name: "Ada", count: 1, a: 7, b: 7 });
  });

  test("a session that a stream is the first to fill can't be saved", async ({ makeApp, gate, records }) => {
    const client = new Client(makeApp());
    const response = await client.fetch("/stream/7");
    assertEquals(response.headers.getSetCookie(), []);
    gate.open();
    assertEquals(linesOf(await response.text()), Array(5).fill(COMMITTED));
    assertEquals(await records(), []);
  });

  test("save() in a stream does not undo a logout meanwhile", async ({ makeApp, gate, records }) => {
    const interrupted: string[] = [];
    const events = { interrupted: () => interrupted.push("interrupted") };
    const client = new Client(makeApp({ events }));
    await client.text("/set/name/%22Ada%22");
    const thief = await client.thief();
    const response = await client.fetch("/stream/7");
    await client.text("/logout");
    gate.open();
    assertEquals(linesOf(await response.text()).slice(3), [
      "SessionEndedError",
      "SessionEndedError",
    ]);
    assertEquals(await thief.json("/read"), {});
    assertEquals(interrupted.length, 1);
    assertEquals(await records(), []);
  });
}

function departures(test: SceneTest): void {
  test("a client that goes away while the handler runs leaves no cookie without a record", async ({ makeApp, gate, records }) => {
    await using served = await serve(makeApp());
    await served.leave("/slow/set/a/1", gate);
    assertEquals(await served.readWithCookie(), { a: 1 });
    assertEquals((await records()).length, 1);
  });

  test("a client that goes away while the commit runs leaves no cookie without a record", async ({ makeApp, watch, records }) => {
    const held = new Gate();
    watch.inject("create", () => held.pass(), 1);
    await using served = await serve(makeApp());
    await served.leave("/set/a/1", held);
    assertEquals(await served.readWithCookie(), { a: 1 });
    assertEquals((await records()).length, 1);
  });

  test("a client that goes away while it logs in leaves one session", async ({ makeApp, watch, records }) => {
    const app = makeApp();
    const client = new Client(app);
    await client.text("/push/pear");
    const held = new Gate();
    watch.inject("replace", () => held.pass(), 1);
    await using served = await serve(app);
    await served.leave("/login/Ada", held, { cookie: await client.cookie() });
    assertEquals(await served.readWithCookie(), { cart: ["pear"], name: "Ada" });
    assertEquals(await client.json("/read"), {});
    assertEquals((await records()).length, 1);
  });
}

/** What a stream says beside its first line. */
function linesOf(text: string): string[] {
  return text.trimEnd().split("\n").slice(1);
}

/** Serves an application over connections, so that a client can go away. */
async function serve(app: ReturnType<typeof makeApp>) {
  const gone = new AbortController();
  let answer: Promise<Response> | undefined;
  const server = http.createServer(async (incoming, outgoing) => {
    outgoing.on("close", () => gone.abort());
    const { cookie = "" } = incoming.headers;
    const { signal } = gone;
    const url = `http://127.0.0.1${incoming.url}`;
    answer = Promise.resolve(app.fetch(new Request(url, { headers: { cookie }, signal })));
    outgoing.end(await (await answer).text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    /** Asks, and goes away while the request waits at a gate, which is opened then. */
    async leave(path: string, gate: Gate, headers: HeadersInit = {}): Promise<void> {
      const client = new AbortController();
      const { signal } = client;
      const asking = assertRejects(
        () => fetch(`http://127.0.0.1:${port}${path}`, { signal, headers }),
        DOMException,
      );
      await gate.arrived();
      const noticed = new Promise((resolve) => gone.signal.addEventListener("abort", resolve));
      client.abort();
      await Promise.all([asking, noticed]);
      gate.open();
    },
    /** What the cookie opens that was meant for the client which is gone. */
    async readWithCookie(): Promise<unknown> {
      const [cookie, ...more] = (await answer!).headers.getSetCookie();
      assertEquals(more, []);
      const headers = { cookie: cookie!.split(";")[0]! };
      return await (await app.request("/read", { headers })).json();
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
