import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { upgradeWebSocket } from "hono/deno";
import { etag } from "hono/etag";
import { raw } from "hono/html";
import { Buffer } from "node:buffer";
import type { BrowserContext, Page } from "playwright-core";
import {
  headingOf,
  logIn,
  MAX_AGE,
  Site,
  type SiteOptions,
  toPage,
} from "../_support/browser_site.ts";
import { launchChromium, skipChromium } from "../_support/chromium.ts";

/** A site, and a browser that looks at it. */
interface Stage {
  readonly site: Site;
  readonly context: BrowserContext;
  readonly page: Page;
}

const ignore = skipChromium();
const browser = ignore ? undefined : await launchChromium();
if (browser) Deno.test.afterAll(async () => await browser.close());

interface StageOptions extends SiteOptions {
  /** Whether the browser must be the whole one. */
  readonly whole?: boolean;
}

function siteTest(
  name: string,
  { whole = false, ...options }: StageOptions,
  run: (stage: Stage) => Promise<void>,
): void {
  Deno.test({
    name: `in a browser: ${name}`,
    ignore,
    fn: async () => {
      await using cleanup = new AsyncDisposableStack();
      const site = cleanup.use(new Site(options));
      const launched = whole ? await launchChromium({ whole }) : browser!;
      if (whole) cleanup.defer(() => launched.close());
      const context = site.browser = await launched.newContext();
      cleanup.defer(() => context.close());
      context.setDefaultTimeout(10_000);
      await run({ site, context, page: await context.newPage() });
    },
  });
}

const ROTATE = { every: 60, grace: 30 };

/** What gives a user another cookie now and then, and where. */
const UPKEEPS: [name: string, options: SiteOptions][] = [
  ["rolling, MapStore", { store: "MapStore", rolling: true }],
  ["rolling, EncryptedCookieStore", { store: "EncryptedCookieStore", rolling: true }],
  ["rotate, MapStore", { store: "MapStore", rotate: ROTATE, maxAge: 86_400 }],
];

for (const [upkeep, options] of UPKEEPS) {
  siteTest(`pages that the browser revalidates: ${upkeep}`, {
    ...options,
    outside: etag(),
  }, async ({ site, page }) => {
    await logIn(page, site);
    for (let request = 1; request <= 40; request++) {
      await site.advance(80);
      assertEquals(await headingOf(page, site.address), "Hello Ada", `request ${request}`);
    }
    for (const status of [200, 304]) assert(site.answers.includes(`GET / ${status}`));
    assertEquals(site.rejections, []);
  });

  siteTest(`a WebSocket is opened when the session is due: ${upkeep}`, {
    ...options,
    routes: (app) =>
      app.get(
        "/socket",
        upgradeWebSocket((c) => {
          const { user } = c.var.session;
          return { onMessage: ({ data }, socket) => socket.send(`${data}, ${user}`) };
        }),
      ),
  }, async ({ site, page }) => {
    await logIn(page, site);
    // Due, and not much time is left.
    await site.advance(MAX_AGE - 50);
    assertEquals(await echo(page, site), "Hello, Ada");
    await site.advance(40);
    assertEquals(await headingOf(page, site.address), "Hello Ada");
    // The grace of a rotation and the life of the first cookie are over.
    for (let request = 1; request <= 3; request++) {
      await site.advance(100);
      assertEquals(await echo(page, site), "Hello, Ada");
      assertEquals(await headingOf(page, site.address), "Hello Ada");
    }
    assertEquals(site.rejections, []);
  });
}

/** Says hello over a WebSocket, and gives what comes back. */
async function echo(page: Page, { address }: Site): Promise<string> {
  return await page.evaluate<string>(`new Promise((resolve, reject) => {
    const socket = new WebSocket("${address.replace("http", "ws")}/socket");
    socket.onopen = () => socket.send("Hello");
    socket.onmessage = ({ data }) => (socket.close(), resolve(data));
    socket.onerror = () => reject(new Error("the socket failed"));
  })`);
}

/** The ways in which an answer gets lost: each begins a request, and gives what leaves it. */
const LOSSES: Readonly<Record<string, (page: Page, site: Site) => Promise<() => Promise<void>>>> = {
  "the page is left": (page, { address }) => {
    const left = page.goto(`${address}/held`).catch((error: Error) => error);
    return Promise.resolve(async () => {
      await page.goto("about:blank");
      assert(await left instanceof Error);
    });
  },
  async "a fetch is aborted"(page) {
    await page.evaluate(`
      controller = new AbortController();
      left = fetch("/held", { signal: controller.signal }).then(() => "answered", ({ name }) => name);
      0
    `);
    return async () => {
      assertEquals(await page.evaluate("controller.abort(), left"), "AbortError");
    };
  },
};

for (const [loss, begin] of Object.entries(LOSSES)) {
  siteTest(`an answer with a new token gets lost: ${loss}`, {
    store: "MapStore",
    rotate: ROTATE,
    maxAge: 86_400,
  }, async ({ site, context, page }) => {
    await logIn(page, site);
    const first = await context.cookies();
    for (const gate of site.gates) {
      // Due, and the grace of what was lost before is over.
      await site.advance(80);
      const leave = await begin(page, site);
      await gate.arrived();
      await leave();
      // Or the browser might still keep the cookie of an answer that nobody waits for.
      await site.left();
      const answered = site.answered("/held");
      gate.open();
      await answered;
      assertEquals(await context.cookies(), first);
    }
    await site.advance(40);
    assertEquals(await headingOf(page, site.address), "Hello Ada");
    const [successor] = await context.cookies();
    assertNotEquals(successor?.value, first[0]?.value);
    assertEquals(site.rejections, []);

    // The successor comes back, and the grace of the first one runs.
    assertEquals(await headingOf(page, site.address), "Hello Ada");
    await site.advance(20);
    const thief = await context.browser()!.newContext();
    await thief.addCookies(first);
    const stolen = await thief.newPage();
    assertEquals(await headingOf(stolen, site.address), "Hello Ada");
    await thief.clearCookies();
    await thief.addCookies(first);
    await site.advance(20);
    assertEquals(site.rejections, []);
    assertEquals(await headingOf(stolen, site.address), "Hello nobody");
    assertEquals(site.rejections, ["reuse"]);
    assertEquals(await headingOf(page, site.address), "Hello Ada");
    await thief.close();
  });
}

for (const store of ["MapStore", "EncryptedCookieStore"] as const) {
  for (const saves of [false, true]) {
    const ways = `${saves ? "save(), " : ""}${store}`;
    const options: SiteOptions = {
      store,
      routes(app, site) {
        app.get("/visit", (c) => {
          c.var.session.visits = (c.var.session.visits ?? 0) + 1;
          return c.html(toPage("Welcome"));
        });
        app.post("/login", async (c) => {
          await site.hold();
          await c.var.session.regenerate();
          c.var.session.user = "Ada";
          if (saves) await c.var.session.save();
          return c.redirect("/", 303);
        });
      },
    };

    siteTest(`a double click on "Log in": ${ways}`, options, async ({ site, page }) => {
      await page.goto(`${site.address}/visit`);
      const { x, y } = (await page.getByRole("button", { name: "Log in" }).boundingBox())!;
      for (const gate of site.gates) {
        // A locator would wait for the navigation that is under way.
        await page.mouse.click(x + 5, y + 5);
        await gate.arrived();
      }
      for (const gate of site.gates) {
        const answered = site.answered("/login");
        gate.open();
        await answered;
      }
      await page.waitForURL(`${site.address}/`);
      await site.advance(100);
      assertEquals(await headingOf(page, site.address), "Hello Ada");
      assertEquals(site.answers.filter((answer) => answer === "POST /login 303").length, 2);
    });

    for (const aborts of [false, true]) {
      const name = aborts
        ? "of two fetches that log in the first is aborted"
        : "two fetches log in";
      siteTest(`${name}: ${ways}`, options, async ({ site, page }) => {
        await page.goto(`${site.address}/visit`);
        await page.evaluate(`
          controller = new AbortController();
          logIn = (init) => fetch("/login", { method: "POST", ...init })
            .then(async ({ status }) => status, ({ name }) => name);
          answers = [logIn({ signal: controller.signal })];
          0
        `);
        await site.gates[0]!.arrived();
        await page.evaluate("answers.push(logIn()), 0");
        await site.gates[1]!.arrived();
        if (aborts) await page.evaluate("controller.abort()");
        for (const gate of site.gates) {
          const answered = site.answered("/login");
          gate.open();
          await answered;
        }
        const answers = await page.evaluate("Promise.all(answers)");
        assertEquals(answers, [aborts ? "AbortError" : 200, 200]);
        await site.advance(100);
        assertEquals(await headingOf(page, site.address), "Hello Ada");
      });
    }
  }
}

for (const [upkeep, options] of UPKEEPS.filter(([, { rolling }]) => rolling)) {
  for (const isDue of [true, false]) {
    siteTest(`an upload lasts longer than the idle timeout: ${upkeep}, due ${isDue}`, {
      ...options,
      routes(app, site) {
        app.get("/upload", (c) =>
          c.html(toPage(
            "Upload",
            raw(`<form method="post" enctype="multipart/form-data">
              <input type="file" name="file"><button>Upload</button></form>`),
          )));
        app.post("/upload", async (c) => {
          let chunks = 0;
          for await (const _ of c.req.raw.body!) {
            if (chunks++ < 3) await site.advance(0.4 * MAX_AGE);
          }
          return c.html(toPage(`${c.var.session.user} has uploaded`));
        });
      },
    }, async ({ site, page }) => {
      await logIn(page, site);
      await page.goto(`${site.address}/upload`);
      await page.locator("input").setInputFiles({
        name: "large.bin",
        mimeType: "application/octet-stream",
        buffer: Buffer.alloc(4_000_000),
      });
      if (isDue) await site.advance(MAX_AGE / 2);
      const before = site.clock.now();
      await page.getByRole("button", { name: "Upload" }).click();
      await page.getByRole("heading", { name: "Ada has uploaded" }).waitFor();
      assertEquals(site.clock.now() - before, 1.2 * MAX_AGE * 1000);
      for (let request = 0; request < 3; request++) {
        await site.advance(MAX_AGE / 2);
        assertEquals(await headingOf(page, site.address), "Hello Ada");
      }
    });
  }
}

/** What a page can ask for that can't show a message: a path, and an expression of its script. */
const SILENT: Readonly<Record<string, [path: string, script: string]>> = {
  "an image": ["/image.svg", `load("img", { src: "/image.svg" })`],
  "a style": ["/style.css", `load("link", { rel: "stylesheet", href: "/style.css" })`],
  "a script": ["/script.js", `load("script", { src: "/script.js" })`],
  "a font": ["/font.woff2", `new FontFace("font", "url(/font.woff2)").load().catch(() => {})`],
  "a video": ["/video.mp4", `load("video", { src: "/video.mp4" })`],
  "HEAD": ["/about", `fetch("/about", { method: "HEAD" })`],
  "OPTIONS": ["/about", `fetch("/about", { method: "OPTIONS" })`],
  "a prefetch": ["/about", `load("link", { rel: "prefetch", href: "/about" })`],
  "speculation that prefetches": ["/about", `speculate("prefetch")`],
  "speculation that prerenders": ["/about", `speculate("prerender")`],
};

const SCRIPT = raw(`<script>
  const load = (name, attributes) =>
    document.body.append(Object.assign(document.createElement(name), attributes));
  const speculate = (how) =>
    load("script", {
      type: "speculationrules",
      text: JSON.stringify({ [how]: [{ source: "list", urls: ["/about"] }] }),
    });
</script>`);

for (const store of ["MapStore", "EncryptedCookieStore"] as const) {
  siteTest(`a flashed message waits for a page: ${store}`, {
    store,
    whole: true,
    routes: (app) =>
      app
        .get("/about", (c) => c.html(toPage("About")))
        .get("/cached", etag(), (c) => c.html(toPage("Cached")))
        .get("/image.svg", (c) => c.body("<svg/>", 200, { "content-type": "image/svg+xml" }))
        .get("/style.css", (c) => c.body("", 200, { "content-type": "text/css" }))
        .get("/script.js", (c) => c.body("", 200, { "content-type": "text/javascript" }))
        .get("/flash", (c) => {
          c.var.session.flash("notice", "Saved");
          return c.html(toPage("Flashed", SCRIPT));
        })
        .get("/notice", (c) => c.html(toPage(c.var.session.notice ?? "No notice"))),
  }, async ({ site, page }) => {
    const shown: Record<string, string[]> = {};
    const look = async (what: string) => {
      const url = `${site.address}/notice`;
      shown[what] = [await headingOf(page, url), await headingOf(page, url)];
    };
    // Once in the life of a browser.
    const favicon = site.answered("/favicon.ico");
    await page.goto(`${site.address}/flash`);
    await favicon;
    await look("a missing favicon");
    for (const url of ["/cached", "/flash", "/cached"]) await page.goto(site.address + url);
    await look("a revalidated page");
    for (const [what, [path, script]] of Object.entries(SILENT)) {
      await page.goto(`${site.address}/flash`);
      const answered = site.answered(path);
      await page.evaluate(`${script}, 0`);
      await answered;
      await look(what);
    }
    for (const answer of ["GET /cached 304", "GET /font.woff2 404"]) {
      assert(site.answers.includes(answer), answer);
    }
    const whats = ["a missing favicon", "a revalidated page", ...Object.keys(SILENT)];
    const once = whats.map((what) => [what, ["Saved", "No notice"]]);
    assertEquals(shown, Object.fromEntries(once));
  });
}
