import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { launchChromium, skipChromium } from "../_support/chromium.ts";
import { DemoProcess } from "../_support/demo_process.ts";
import { freePort } from "../_support/server_process.ts";

const PHONE = { width: 360, height: 740 };
const FIREFOX_ON_WINDOWS =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
const WELCOME = "Welcome back, Ada";

/** What a browser says of every answer that isn't a success, wanted or not. */
const STATUS_REGEXP = /^Failed to load resource: the server responded with a status of (404|422) /;

/** What a browser says of an event stream that it opens while the demo restarts. */
const REFUSED = "Failed to load resource: net::ERR_CONNECTION_REFUSED";

/** The demo, as a process with sessions of its own, and a browser. */
interface Stage {
  readonly address: string;
  readonly browser: Browser;
  /** Stops the demo as Ctrl+C does, and starts it again. */
  restart(): Promise<void>;
}

function browserTest(name: string, run: (stage: Stage) => Promise<void>): void {
  Deno.test({
    name: `demo in a browser: ${name}`,
    ignore: skipChromium(),
    fn: async () => {
      await using cleanup = new AsyncDisposableStack();
      const folder = await Deno.makeTempDir({ prefix: "hono-session-" });
      cleanup.defer(() => Deno.remove(folder, { recursive: true }));
      const environment = { PORT: String(freePort()), DEMO_KV: `${folder}/sessions.kv` };

      let demo = cleanup.use(new DemoProcess(environment));
      const address = await demo.ready();
      assertEquals(address, `http://localhost:${environment.PORT}`);
      const restart = async () => {
        assertEquals((await demo.stop()).code, 0);
        assertMatch(demo.output, /Stopped\.\n$/);
        demo = cleanup.use(new DemoProcess(environment));
        assertEquals(await demo.ready(), address);
      };

      const browser = await launchChromium();
      cleanup.defer(() => browser.close());
      await run({ address, browser, restart });
    },
  });
}

/** A page whose complaints are kept. */
async function open(
  context: BrowserContext,
  address: string,
): Promise<{ page: Page; complaints: string[] }> {
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    if (!STATUS_REGEXP.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(address);
  return { page, complaints };
}

async function logIn(page: Page, name = "Ada"): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name: "Log in" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Log in" }).click();
}

async function heading(page: Page): Promise<string> {
  return await page.getByRole("heading", { level: 1 }).innerText();
}

browserTest("login, restart, logout", async ({ address, browser, restart }) => {
  const context = await browser.newContext();
  const { page, complaints } = await open(context, address);
  assertEquals(await context.cookies(), []);
  await logIn(page);
  assertEquals(await heading(page), "Hello, Ada");
  const status = page.getByRole("status");
  assertEquals(await status.innerText(), WELCOME);
  await page.reload();
  assertEquals(await heading(page), "Hello, Ada");
  assertEquals(await status.count(), 0);

  const [cookie, ...others] = await context.cookies();
  assertEquals(others, []);
  assert(cookie);
  const { name, domain, path, httpOnly, secure, sameSite } = cookie;
  assertEquals({ name, domain, path, httpOnly, secure, sameSite }, {
    name: "sid",
    domain: "localhost",
    path: "/",
    httpOnly: true,
    secure: true,
    sameSite: "Lax",
  });
  assertEquals(await page.evaluate("document.cookie"), "");

  await restart();
  await page.reload();
  assertEquals(await heading(page), "Hello, Ada");

  await page.getByRole("link", { name: "Profile" }).click();
  await page.getByRole("button", { name: "Log out" }).click();
  assertEquals(await heading(page), "You are logged out");
  assertEquals(await context.cookies(), []);
  await page.goBack();
  assertEquals(await heading(page), "Log in");
  await page.goto(address);
  assertEquals(await heading(page), "Sessions for Hono, to try out");

  await context.addCookies([cookie]);
  await page.reload();
  assertEquals(await heading(page), "Sessions for Hono, to try out");
  assertEquals(complaints, []);
});

browserTest("twenty requests at the same time", async ({ address, browser }) => {
  const { page, complaints } = await open(await browser.newContext(), `${address}/counter`);
  const parallel = page.getByRole("button", { name: "Add 20 at once" });
  assertEquals(await parallel.count(), 0);
  await page.getByRole("button", { name: "Add one" }).click();
  for (const [before, after] of [[1, 21], [21, 41]]) {
    await parallel.click();
    await page.getByText(`the counter went from ${before} to ${after}, up by 20.`).waitFor();
    assertEquals(await page.locator("#count").innerText(), String(after));
  }
  await page.reload();
  assertEquals(await page.locator("#count").innerText(), "41");
  await logIn(page);
  await page.getByRole("link", { name: "Counter", exact: true }).click();
  assertEquals(await page.locator("#count").innerText(), "41");
  assertEquals(complaints, []);
});

browserTest("a session that ended elsewhere is not counted on", async ({ address, browser }) => {
  const context = await browser.newContext();
  const { page } = await open(context, `${address}/counter`);
  await page.getByRole("button", { name: "Add one" }).click();
  await context.clearCookies();
  await page.getByRole("button", { name: "Add 20 at once" }).click();
  await page.getByText("Your session has ended. Reload the page.").waitFor();
  assertEquals(await context.cookies(), []);
});

browserTest("a bad name is told beside its field", async ({ address, browser }) => {
  const { page, complaints } = await open(await browser.newContext(), address);
  await logIn(page, "   ");
  const field = page.getByLabel("Name");
  await page.getByText("Enter a name.").waitFor();
  assertEquals(await field.getAttribute("aria-invalid"), "true");
  assertEquals(await field.inputValue(), "   ");
  assertEquals(await page.locator("#name:focus").count(), 1);

  await field.fill("a".repeat(41));
  await page.keyboard.press("Enter");
  await page.getByText("Use at most 40 characters. These are 41.").waitFor();
  assertEquals(await field.inputValue(), "a".repeat(41));
  assertEquals(complaints, []);
});

browserTest("everything but the parallel requests works without scripts", async (stage) => {
  const context = await stage.browser.newContext({ javaScriptEnabled: false });
  const { page } = await open(context, stage.address);
  await logIn(page);
  assertEquals(await page.getByRole("status").innerText(), WELCOME);
  await page.getByRole("link", { name: "Counter", exact: true }).click();
  await page.getByRole("button", { name: "Add one" }).click();
  assertEquals(await page.locator("#count").innerText(), "1");
  assertEquals(await page.getByRole("button", { name: "Add 20 at once" }).count(), 0);
  assert(await page.locator("noscript p").isVisible());
});

browserTest("two browsers see each other and end each other", async (stage) => {
  const { address, browser, restart } = stage;
  const contexts = await Promise.all([
    browser.newContext({ javaScriptEnabled: false }),
    browser.newContext({ userAgent: FIREFOX_ON_WINDOWS }),
  ]);
  const [here, there] = await Promise.all(contexts.map((context) => open(context, address)));
  const [chrome, firefox] = [here!.page, there!.page];
  const devices = (page: Page) => page.locator(".devices").getByRole("listitem");
  const press = (page: Page, name: string) => page.getByRole("button", { name }).click();
  const follow = (page: Page, name: string) =>
    page.getByRole("link", { name, exact: true }).click();
  const assertAt = (page: Page, name: string) =>
    page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  const assertTold = async (page: Page, text: string, count = 1) => {
    await page.getByRole("status").getByText(text, { exact: true }).waitFor();
    assertEquals(await devices(page).count(), count);
  };
  const logInAgain = async (page: Page) => {
    await logIn(page);
    await assertAt(page, "Hello, Ada");
    // What the page asks for as well would be refused by a server that restarts.
    await page.waitForLoadState();
  };
  for (const page of [chrome, firefox]) await logInAgain(page);

  await restart();
  await follow(chrome, "Devices");
  await assertAt(chrome, "Devices");
  const [first, second, ...others] = await devices(chrome).allInnerTexts();
  assertEquals(others, []);
  assertMatch(first ?? "", /^Chrome on Linux This device\n[^]*Active now\n/);
  assertMatch(
    second ?? "",
    /^Firefox on Windows\n[^]*Active just now\nSince .* from 127\.0\.0\.1\n/,
  );
  await press(chrome, "Log out Firefox on Windows");
  await assertTold(chrome, "That device was logged out");
  await follow(firefox, "Profile");
  await assertAt(firefox, "Log in");

  await logInAgain(firefox);
  await follow(firefox, "Devices");
  await press(firefox, "Log out all others");
  await assertTold(firefox, "Other devices logged out: 1");
  assertMatch(await devices(firefox).innerText(), /^Firefox on Windows This device\n/);
  await follow(chrome, "Devices");
  await assertAt(chrome, "Log in");

  await logInAgain(chrome);
  await follow(chrome, "Devices");
  await press(chrome, "Log out everywhere");
  await assertAt(chrome, "Is it you?");
  await chrome.getByLabel("Name").fill("Ada");
  await press(chrome, "Confirm");
  await assertTold(chrome, "Confirmed: for a minute you can log out everywhere", 2);
  await press(chrome, "Log out everywhere");
  await assertAt(chrome, "You are logged out everywhere");
  assertEquals(await contexts[0]!.cookies(), []);
  await follow(firefox, "Devices");
  await assertAt(firefox, "Log in");
  const complaints = [...here!.complaints, ...there!.complaints];
  assertEquals(complaints.filter((text) => text !== REFUSED), []);
});

browserTest("every page fits a phone", async ({ address, browser }) => {
  const context = await browser.newContext({ viewport: PHONE });
  const { page, complaints } = await open(context, address);
  const assertFits = async (path: string) => {
    await page.goto(address + path);
    const [scrollWidth, clientWidth] = await page.evaluate<[number, number]>(
      "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
    );
    assertEquals(clientWidth, PHONE.width);
    assert(scrollWidth <= clientWidth, `${path} is ${scrollWidth} pixels wide`);
  };
  for (const path of ["/", "/login", "/counter", "/goodbye", "/goodbye?everywhere", "/no"]) {
    await assertFits(path);
  }
  await logIn(page, "W".repeat(40));
  const pages = ["/", "/profile", "/counter", "/devices", "/devices/confirm", "/no"];
  for (const path of pages) await assertFits(path);
  assertEquals(complaints, []);
});

browserTest(
  "a page says by itself that its session was ended on another device",
  async ({ address, browser }) => {
    const [here, there] = [await browser.newContext(), await browser.newContext()];
    const [first, second] = [await open(here, address), await open(there, address)];
    for (const { page } of [first, second]) await logIn(page);
    const other = await there.newPage();
    await other.goto(`${address}/profile`);
    await first.page.goto(`${address}/devices`);
    await first.page.getByRole("button", { name: "Log out all others" }).click();
    for (const page of [second.page, other]) {
      await page.getByRole("alert").getByText("You were logged out on another device.").waitFor();
    }
    assertEquals(await first.page.getByRole("alert").count(), 0);
    await other.getByRole("alert").getByRole("link", { name: "Log in again" }).click();
    assertEquals(await heading(other), "Log in");
    assertEquals([...first.complaints, ...second.complaints], []);
  },
);
