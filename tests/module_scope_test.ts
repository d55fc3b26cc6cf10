import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ROOT } from "../scripts/paths.ts";
import { D1Store } from "@x/hono-session/stores/d1";
import { pooled } from "./_support/pooled.ts";
import { bundleApp, openWorkers, startWorkers, type Workers } from "./_support/workers.ts";

const PROGRAM = "workers_module_scope.ts";

/** Stores that are useful at the top of a module but have nothing to ask there. */
const WITHOUT_SERVER = /^(DenoKvStore|DynamoDbStore|PostgresStore|RedisStore|SqliteStore)$/;

const test = pooled();

test("a Worker that loads every entry and builds every store at the top of a module is named in full", async () => {
  const source = await Deno.readTextFile(new URL(`tests/_support/${PROGRAM}`, ROOT));
  const { name, exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const stores: string[] = [];
  for (const [entry, path] of Object.entries<string>(exports)) {
    assertStringIncludes(source, `from "${entry.replace(".", name)}"`);
    stores.push(...Object.keys(await import(new URL(path, ROOT).href)));
  }
  for (const store of stores.filter((name) => /^(?!Session|CookieStore$)\w+Store$/.test(name))) {
    assertStringIncludes(source, `new ${store}(`);
  }
});

const idle = await openWorkers();
if (idle) {
  await idle[Symbol.asyncDispose]();
  let workers: Workers;
  Deno.test.beforeAll(async () => {
    workers = await startWorkers(await bundleApp(PROGRAM), {
      objects: { SESSIONS: "SessionObject" },
    });
    await workers.database.exec(D1Store.schema());
  });
  Deno.test.afterAll(async () => await workers[Symbol.asyncDispose]());

  const get = async (path: string, headers: HeadersInit = {}) => {
    const response = await fetch(new URL(path, workers.url), { headers });
    return { response, text: await response.text() };
  };

  test("stores that are built while a module loads serve requests in workerd", async () => {
    const { text } = await get("/names");
    for (const name of JSON.parse(text) as string[]) {
      const path = `/${name}`;
      const first = await get(path);
      if (WITHOUT_SERVER.test(name)) continue;
      assertEquals([first.response.status, first.text], [200, "stranger"], name);
      const cookie = first.response.headers.getSetCookie()[0]!.split(";")[0]!;
      assertEquals((await get(path, { cookie })).text, "Ada", name);
    }
  });

  test("sessions that are created while a module loads serve requests in workerd", async () => {
    assertEquals((await get("/with-token")).text, "none");
    assertEquals((await get("/core")).text, "loaded");
    assertEquals((await get("/default")).text, "loaded");
  });

  test("nothing asynchronous begins while a module loads", async () => {
    assertEquals((await get("/asynchronous")).text, "[]");
  });

  test("session() without a secret names the way out while a module loads in workerd", async () => {
    const { text } = await get("/without-secret");
    assertMatch(text, /^TypeError: Cannot build session middleware: /);
    assertStringIncludes(text, "secret: (c) => c.env.SECRET");
  });
}
