import { session, type SessionEnv, type SessionOptions } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { etag } from "hono/etag";
import { launchChromium, skipChromium } from "../_support/chromium.ts";
import { SECRET } from "../_support/cookie_stores.ts";

interface Data {
  notice?: string;
  visits?: number;
}

/** A page that loads all that a browser loads beside pages, when it is told to. */
const LOADER = `<!DOCTYPE html><title>Loader</title><script>
  const loaded = (element) => new Promise((done) => {
    element.onload = element.onerror = done;
    document.head.append(element);
  });
  const make = (name, members) => Object.assign(document.createElement(name), members);
  async function flash() {
    await fetch("/flash", { method: "POST" });
  }
  async function loadAll() {
    await loaded(make("img", { src: "/image" }));
    await loaded(make("link", { rel: "stylesheet", href: "/style" }));
    await loaded(make("script", { src: "/script" }));
    await loaded(make("link", { rel: "prefetch", href: "/prefetched" }));
    await fetch("/page", { method: "HEAD" });
    await fetch("/page", { method: "OPTIONS" });
    await fetch("/fixed", { cache: "no-cache" });
  }
</script>`;

function makeApp(options: SessionOptions<Data>) {
  const seen: string[] = [];
  const app = new Hono<SessionEnv<Data>>()
    .use(async (c, next) => {
      await next();
      const { method, headers } = c.req.raw;
      const about = [headers.get("sec-fetch-dest"), headers.get("sec-purpose"), c.res.status];
      seen.push(`${method} ${c.req.path} ${about.filter(Boolean).join(" ")}`);
    })
    .use(session<Data>(options))
    .get("/", (c) => c.html(LOADER))
    .get(
      "/page",
      (c) => c.html(`<!DOCTYPE html><title>Page</title><p>${c.var.session.notice ?? "nothing"}`),
    )
    .get("/call", (c) => c.json(c.var.session))
    .post("/flash", (c) => {
      c.var.session.visits = (c.var.session.visits ?? 0) + 1;
      c.var.session.flash("notice", "saved");
      return c.body(null, 204);
    })
    .get("/fixed", etag(), (c) => c.text("always the same"));
  return { app, seen };
}

const STORES: Record<string, () => SessionOptions<Data>> = {
  MapStore: () => ({ store: new MapStore() }),
  EncryptedCookieStore: () => ({ store: new EncryptedCookieStore({ secret: SECRET }) }),
};

for (const [name, options] of Object.entries(STORES)) {
  Deno.test({
    name: `in a browser, a flashed value waits for a page: ${name}`,
    ignore: skipChromium(),
    async fn() {
      const { app, seen } = makeApp(options());
      await using cleanup = new AsyncDisposableStack();
      const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, app.fetch);
      cleanup.defer(() => server.shutdown());
      const browser = await launchChromium();
      cleanup.defer(() => browser.close());
      const origin = `http://localhost:${server.addr.port}`;
      const page = await browser.newPage();
      await page.goto(origin);
      // What is fixed is in the cache of the browser from here on.
      await page.evaluate("fetch('/fixed').then((response) => response.text())");
      await page.evaluate("flash()");
      seen.length = 0;
      await page.evaluate("loadAll()");
      const expected = [
        "GET /image image 404",
        "GET /style style 404",
        "GET /script script 404",
        "GET /prefetched empty prefetch 404",
        "HEAD /page empty 200",
        "OPTIONS /page empty 404",
        "GET /fixed empty 304",
      ];
      for (const request of expected) assert(seen.includes(request), `${request}: ${seen}`);

      await page.goto(`${origin}/page`);
      assertEquals(await page.locator("p").innerText(), "saved");
      await page.reload();
      assertEquals(await page.locator("p").innerText(), "nothing");

      await page.goto(origin);
      await page.evaluate("flash()");
      const call = "fetch('/call').then((response) => response.json())";
      assertEquals(await page.evaluate(call), { visits: 2, notice: "saved" });
      assertEquals(await page.evaluate(call), { visits: 2 });
      await page.close();
    },
  });
}
