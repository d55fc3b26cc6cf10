import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Session, session, type SessionDevice } from "@x/hono-session";
import type { Context } from "hono";
import type { BrowserContext } from "playwright-core";
import { BoundBrowser } from "../_support/bound_browser.ts";
import { BoundSite, type BoundSiteOptions, EVERY, HOSTS } from "../_support/bound_site.ts";
import { makeCertificate } from "../_support/certificate.ts";
import { launchBinding, launchProfile, skipChromium } from "../_support/chromium.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { SETTLED } from "../_support/device.ts";

const ignore = skipChromium();
const certificate = await makeCertificate(HOSTS);
const { keyHash } = certificate;
const chromium = ignore ? undefined : await launchBinding({ keyHash });
if (chromium) Deno.test.afterAll(async () => await chromium.close());
const PROOF = "sid-device";

/** A site, and a browser that knows nothing. */
interface Stage {
  readonly site: BoundSite;
  readonly browser: BoundBrowser;
  /** Logs in, and waits until the session is bound. */
  logIn(): Promise<void>;
  /** Lets the proof run out. The browser's own clock can't be set, so its cookie is dropped for it. */
  runOut(): Promise<void>;
  /** Opens another browser that knows nothing. */
  openOther(): Promise<BoundBrowser>;
  /** Closes a browser with a profile, and launches it again. */
  restart(options?: { binds?: boolean }): Promise<BoundBrowser>;
}

interface StageOptions extends BoundSiteOptions {
  /** Whether the browser is a program of its own with a profile, and can be launched again. */
  readonly profile?: boolean;
  /** Whether a browser with a profile can bind sessions. */
  readonly binds?: boolean;
}

function deviceTest(
  name: string,
  run: (stage: Stage) => Promise<void>,
  { profile = false, binds = true, ...options }: StageOptions = {},
): void {
  Deno.test({
    name: `device-bound in Chromium: ${name}`,
    ignore,
    fn: async () => {
      await using cleanup = new AsyncDisposableStack();
      const site = cleanup.use(new BoundSite(certificate, options));
      const opened = async (context: Promise<BrowserContext>) =>
        cleanup.use(await BoundBrowser.of(await context));
      const folder = profile ? await Deno.makeTempDir({ prefix: "hono-session-profile-" }) : "";
      if (profile) cleanup.defer(() => Deno.remove(folder, { recursive: true }));
      const openOther = () => opened(chromium!.newContext());
      const launch = (binds: boolean) => opened(launchProfile(folder, { keyHash, binds }));
      const browser = await (profile ? launch(binds) : openOther());
      let running = browser;
      await run({
        site,
        browser,
        logIn: async () => {
          await browser.read(site.url("/"));
          const created = browser.count("created Success");
          assertEquals(await browser.press("Log in"), "Hello Ada");
          await browser.saw("created Success", created + 1);
        },
        runOut: async () => {
          site.advance(EVERY + 1);
          for (const name of Object.keys(await browser.cookies())) {
            if (name.endsWith("-device")) await browser.dropCookie(name);
          }
        },
        openOther,
        restart: async ({ binds = true } = {}) => {
          await running[Symbol.asyncDispose]();
          return running = await launch(binds);
        },
      });
    },
  });
}

/** The device of the only session. */
async function deviceOf({ sessions }: BoundSite): Promise<SessionDevice> {
  const [summary, ...others] = await Array.fromAsync(sessions.list("Ada"));
  assertEquals(others, []);
  return summary!.device!;
}

deviceTest("a login is bound", async ({ site, browser, logIn }) => {
  await logIn();
  assertEquals(site.answers, [200]);
  assertEquals(site.emitted, ["bound"]);
  const { httpOnly, secure, sameSite } = (await browser.context.cookies())
    .find(({ name }) => name === PROOF)!;
  assertEquals({ httpOnly, secure, sameSite }, { httpOnly: true, secure: true, sameSite: "Lax" });
  const { boundAt, provenAt } = await deviceOf(site);
  assertEquals(boundAt, provenAt);
  assertEquals(await browser.read(site.url("/")), "Hello Ada");
  assertEquals(browser.events, ["created Success"]);
});

deviceTest("a page that is on its way while the session is bound", async ({ site, browser }) => {
  await browser.read(site.url("/"));
  site.hold("/");
  const [heading] = await Promise.all([browser.press("Log in"), browser.saw("created Success")]);
  assertEquals(heading, "Hello Ada");
  assertEquals(site.emitted, ["bound"]);
});

deviceTest("a login that ends on a redirect from another site is bound", async (stage) => {
  const { site, browser, runOut } = stage;
  await browser.read(site.other);
  assertEquals(await browser.press("Log in"), "Hello Ada");
  await browser.saw("created Success");
  assertEquals(site.emitted, ["bound"]);
  await runOut();
  assertEquals(await browser.read(site.url("/")), "Hello Ada");
  assertEquals(browser.events, ["created Success", "refreshed Refreshed"]);
});

deviceTest(
  "the user goes on after the proof has run out",
  async ({ site, browser, logIn, runOut }) => {
    await logIn();
    const proofs = new Set<string | undefined>();
    for (let time = 1; time <= 3; time++) {
      await runOut();
      assertEquals(await browser.read(site.url("/")), "Hello Ada", `${time}`);
      proofs.add((await browser.cookies())[PROOF]);
      await browser.saw("refreshed Refreshed", time);
    }
    assertEquals(proofs.size, 3);
    const { boundAt, provenAt } = await deviceOf(site);
    assert(provenAt.getTime() - boundAt.getTime() > 3 * EVERY * 1000);
    assertEquals(site.emitted, ["bound"]);
  },
);

deviceTest("the user comes by a link of another site", async ({ site, browser, logIn, runOut }) => {
  await logIn();
  await browser.read(site.other);
  await runOut();
  await browser.page.getByRole("link", { name: "Open" }).click();
  await browser.page.waitForURL(site.url("/"));
  assertEquals(await browser.text(), "Hello Ada");
  assertEquals(browser.events, ["created Success", "refreshed Refreshed"]);
  assertEquals(site.emitted, ["bound"]);
});

deviceTest(
  "eight requests at once wait for one proof",
  async ({ site, browser, logIn, runOut }) => {
    await logIn();
    await runOut();
    site.answers.length = 0;
    const answers = await browser.page.evaluate(`Promise.all(Array.from({ length: 8 }, (_, index) =>
    fetch("/user", index < 4 ? {} : { method: "POST", body: "sent as " })
      .then((response) => response.text())))`);
    assertEquals(answers, [...Array(4).fill("Ada"), ...Array(4).fill("sent as Ada")]);
    assertEquals(site.answers.filter((status) => status === 200), [200]);
    assertEquals(site.emitted, ["bound"]);
  },
);

deviceTest("a WebSocket is opened after the proof has run out", async (stage) => {
  const { site, browser, logIn, runOut } = stage;
  await logIn();
  await runOut();
  const user = await browser.page.evaluate(`new Promise((resolve, reject) => {
    const socket = new WebSocket("${site.url("/socket").replace("https", "wss")}");
    socket.onopen = () => socket.send("Who am I?");
    socket.onmessage = ({ data }) => (socket.close(), resolve(data));
    socket.onerror = () => reject(new Error("the socket failed"));
  })`);
  assertEquals(user, "Ada");
  assertEquals(browser.events, ["created Success", "refreshed Refreshed"]);
});

deviceTest("the binding survives a restart of the browser", async (stage) => {
  const { site, logIn, runOut, restart } = stage;
  await logIn();
  await runOut();
  const browser = await restart();
  assertEquals(await browser.read(site.url("/")), "Hello Ada");
  await browser.saw("refreshed Refreshed");
  assertEquals(site.emitted, ["bound"]);
}, { profile: true });

deviceTest("a profile is worth nothing in a browser without its key", async (stage) => {
  const { site, logIn, runOut, restart } = stage;
  await logIn();
  await runOut();
  const browser = await restart({ binds: false });
  assertEquals(await browser.read(site.url("/")), "Hello nobody");
  assertEquals(site.emitted, ["bound", "device"]);
  // It can log in anew.
  assertEquals(await browser.press("Log in"), "Hello Ada");
  assertEquals(await browser.read(site.url("/")), "Hello Ada");
}, { profile: true });

deviceTest("a login goes on after cookies that ended with the browser", async (stage) => {
  const { site, restart } = stage;
  let { browser } = stage;
  for (let day = 1; day <= 3; day++) {
    assertEquals(await browser.read(site.url("/")), "Hello nobody");
    const created = browser.count("created");
    assertEquals(await browser.press("Log in"), "Hello Ada");
    await browser.saw("created", created + 1);
    for (let time = 1; time <= 2; time++) {
      site.advance(EVERY + 1);
      await browser.dropCookie(PROOF);
      assertEquals(await browser.read(site.url("/")), "Hello Ada", `${day}, ${time}`);
    }
    browser = await restart();
  }
}, { profile: true, persistent: false });

deviceTest("a logout is final, and a second login is bound", async (stage) => {
  const { site, browser, logIn, runOut } = stage;
  await logIn();
  assertEquals(await browser.press("Log out"), "Hello nobody");
  assertEquals(await browser.cookies(), {});
  await browser.saw("ended RefreshFatalError");
  assertEquals(await browser.read(site.url("/")), "Hello nobody");
  await logIn();
  await runOut();
  assertEquals(await browser.read(site.url("/")), "Hello Ada");
  assertEquals(browser.count("refreshed Refreshed"), 1);
  assertEquals(site.emitted, ["bound", "bound"]);
});

deviceTest("Clear-Site-Data makes the browser forget its key at once", async (stage) => {
  const { site, browser, logIn } = stage;
  await logIn();
  assertEquals(await browser.press("Log out"), "Hello nobody");
  await browser.saw("ended StoragePartitionCleared");
  assertEquals(site.answers, [200]);
}, {
  routes: (app) =>
    app.post("/logout", (c) => {
      c.var.session.destroy();
      c.header("clear-site-data", '"cookies", "storage"');
      return c.redirect("/", 303);
    }),
});

deviceTest("a login over a bound session is bound anew", async (stage) => {
  const { site, browser, logIn, runOut } = stage;
  for (let login = 1; login <= 3; login++) await logIn();
  assertEquals(site.emitted, ["bound", "bound", "bound"]);
  for (let time = 1; time <= 2; time++) {
    await runOut();
    assertEquals(await browser.read(site.url("/")), "Hello Ada");
  }
  await deviceOf(site);
});

deviceTest("of several logins at once the last one goes on", async (stage) => {
  const { site, browser, runOut } = stage;
  await browser.read(site.url("/"));
  await browser.page.evaluate(`Promise.all([1, 2, 3].map(() => fetch("/login", { method: "POST" })))
    .then(() => 0)`);
  await browser.saw("created", 3);
  for (let time = 1; time <= 3; time++) {
    await runOut();
    assertEquals(await browser.read(site.url("/")), "Hello Ada");
  }
  assert(!site.emitted.includes("device"));
});

deviceTest(
  "a login whose predecessor has lost its cookie goes on, by a link as well",
  async (stage) => {
    const { site, browser, logIn, runOut } = stage;
    for (let login = 1; login <= 4; login++) {
      await logIn();
      await runOut();
      await browser.read(site.other);
      await browser.page.getByRole("link", { name: "Open" }).click();
      await browser.page.waitForURL(site.url("/"));
      assertEquals(await browser.text(), "Hello Ada", `${login}`);
      await browser.dropCookie("sid");
    }
  },
);

for (const failing of ["reads", "writes"] as const) {
  deviceTest(`an outage never unbinds: ${failing}`, async (stage) => {
    const { site, browser, logIn, runOut } = stage;
    await logIn();
    await runOut();
    site.answers.length = 0;
    const before = (await browser.cookies()).sid;
    const status = failing === "reads" ? 503 : 200;
    site.store.failing = failing;
    for (let time = 1; time <= 2; time++) {
      // A page that fails would ask for its icon as well, by itself.
      assertEquals(
        await browser.page.evaluate(`fetch("/user").then(({ status }) => status)`),
        status,
      );
      await browser.saw("refreshed ServerError", time);
    }
    assertEquals(new Set(site.answers), new Set([503]));
    const rejections = failing === "reads" ? [] : ["device server_error"];
    assertEquals([...new Set(site.emitted)], ["bound", ...rejections]);
    site.store.failing = undefined;
    assertEquals(await browser.read(site.url("/")), "Hello Ada");
    assertEquals((await browser.cookies()).sid, before);
    await browser.saw("refreshed Refreshed");
    assertEquals(browser.events.filter((event) => event.startsWith("ended")), []);
  });
}

deviceTest("a thief gets nothing by the cookie alone", async (stage) => {
  const { site, browser, logIn, runOut, openOther } = stage;
  await logIn();
  site.advance(SETTLED);
  const stolen = await browser.context.cookies();
  const thief = await openOther();
  await thief.context.addCookies(stolen.filter(({ name }) => name === "sid"));
  const before = await thief.cookies();
  assertEquals(await thief.read(site.url("/")), "Hello nobody");
  assertEquals(site.emitted, ["bound", "device"]);
  assertEquals(await thief.cookies(), before);

  // With the proof as well it is good for as long as the proof.
  await thief.context.addCookies(stolen);
  assertEquals(await thief.read(site.url("/")), "Hello Ada");
  site.advance(EVERY + 1);
  assertEquals(await thief.read(site.url("/")), "Hello nobody");
  assertEquals(thief.events, []);

  await runOut();
  assertEquals(await browser.read(site.url("/")), "Hello Ada");
  assertNotEquals((await browser.cookies())[PROOF], (await thief.cookies())[PROOF]);
  assertEquals(await thief.read(site.url("/")), "Hello nobody");
});

deviceTest("a browser that can't bind goes on as before", async ({ site, browser }) => {
  await browser.read(site.url("/"));
  assertEquals(await browser.press("Log in"), "Hello Ada");
  assertEquals(Object.keys(await browser.cookies()), ["sid"]);
  site.advance(2 * EVERY);
  assertEquals(await browser.read(site.url("/")), "Hello Ada");
  assertEquals([site.answers, site.emitted], [[], []]);
}, { profile: true, binds: false });

deviceTest("two tabs go on at once", async ({ site, browser, logIn, runOut }) => {
  await logIn();
  const other = await browser.context.newPage();
  await runOut();
  const [first] = await Promise.all([browser.read(site.url("/")), other.goto(site.url("/user"))]);
  assertEquals([first, await other.locator("body").innerText()], ["Hello Ada", "Ada"]);
  assertEquals(site.emitted, ["bound"]);
});

deviceTest("two sessions of one application are bound each", async (stage) => {
  const { site, browser, logIn, runOut } = stage;
  await logIn();
  // By a script.
  await browser.page.evaluate(`fetch("/admin", { method: "POST" }).then(() => 0)`);
  await browser.saw("created Success", 2);
  for (let time = 1; time <= 2; time++) {
    await runOut();
    await browser.page.goto(site.url("/both"));
    assertEquals(await browser.page.locator("body").innerText(), "Ada and Root");
    await browser.saw("refreshed Refreshed", 2 * time);
  }
  assertEquals(browser.events.filter((event) => event.startsWith("ended")), []);
}, {
  routes(app, { store, clock }) {
    const contextKey = "admin";
    app.use(
      session({ store, clock, secret: SECRET, device: true, contextKey, cookieName: "admin" }),
    );
    const adminOf = (c: Context) => c.get(contextKey) as Session<{ user?: string }>;
    app.post("/admin", async (c) => {
      const admin = adminOf(c);
      await admin.regenerate();
      admin.user = "Root";
      return c.body(null, 204);
    });
    app.get("/both", (c) => c.text(`${c.var.session.user} and ${adminOf(c).user}`));
  },
});

/** Where and how an application may have its sessions. */
const VARIANTS: Record<string, BoundSiteOptions> = {
  "behind a proxy that ends TLS": { proxied: true },
  "under a base path": { base: "/shop", cookieOptions: { path: "/shop" } },
  "with the prefix __Host-": { cookieOptions: { prefix: "host" } },
  "with cookies of the same site alone": { cookieOptions: { sameSite: "Strict" } },
  "of a domain": { cookieOptions: { domain: "app.test" } },
  "with cookies for scripts and of high priority": {
    cookieOptions: { httpOnly: false, priority: "High" },
  },
  "with cookies for pages of other sites": { cookieOptions: { sameSite: "None" } },
  "with cookies that end with the browser": { persistent: false },
  "of the scope of a host, rolling": { scope: "host", rolling: { after: 1 } },
};

for (const [variant, options] of Object.entries(VARIANTS)) {
  deviceTest(`sessions ${variant} go on, and end`, async ({ site, browser, logIn, runOut }) => {
    await logIn();
    for (let time = 1; time <= 2; time++) {
      await runOut();
      assertEquals(await browser.read(site.url("/")), "Hello Ada");
    }
    // No request is a refresh for as long as the proof lasts.
    assertEquals(await browser.read(site.url("/")), "Hello Ada");
    assertEquals(browser.events, ["created Success", ...Array(2).fill("refreshed Refreshed")]);
    assertEquals(await browser.press("Log out"), "Hello nobody");
    assertEquals(await browser.cookies(), {});
    await logIn();
    await runOut();
    assertEquals(await browser.read(site.url("/")), "Hello Ada");
    assertEquals(site.emitted, ["bound", "bound"]);
  }, options);
}
