import { session, type SessionOptions } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Hono } from "hono";
import { launchChromium, skipChromium } from "../_support/chromium.ts";
import { SECRET } from "../_support/cookie_stores.ts";

const CHROME =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36";
const AGENTS: Record<string, string> = {
  Chrome: CHROME,
  HeadlessChrome: CHROME.replace("Chrome", "HeadlessChrome"),
  Edge: `${CHROME} Edg/149.0.0.0`,
  Firefox: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
  Safari:
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
};
const OLD_SAFARI =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 15_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.0 Mobile/15E148 Safari/604.1";

const INSECURE = [
  "http://192.168.1.5:8000",
  "http://app.test",
  "http://10.0.0.1",
  "http://[fe80::1]",
];
const TRUSTED = [
  "https://app.test",
  "https://192.168.1.5",
  "http://localhost:8000",
  "http://shop.localhost",
  "http://127.0.0.1:3000",
  "http://127.1.2.3",
  "http://[::1]:8000",
];

function setup(options: SessionOptions = {}) {
  const warnings: string[] = [];
  const logger = { error() {}, warn: (message: string) => warnings.push(message) };
  const app = new Hono()
    .use(session<{ userId?: string }>({ store: new MapStore(), logger, ...options }))
    .get("/read", (c) => c.text(c.var.session.userId ?? "nobody"))
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .all("/login", (c) => {
      c.var.session.userId = "42";
      return c.text("welcome");
    });
  const login = async (origin: string, headers: Record<string, string>) => {
    warnings.length = 0;
    const response = await app.request(`${origin}/login`, { method: "POST", headers });
    assertEquals([response.status, response.headers.getSetCookie().length], [200, 1]);
    return warnings.length;
  };
  return { app, login, warnings };
}

/** An address of this machine that is not its own name for itself. */
function addressOf(): string | undefined {
  return Deno.networkInterfaces()
    .find(({ family, address }) => family === "IPv4" && !address.startsWith("127."))?.address;
}

for (const [name, agent] of Object.entries(AGENTS)) {
  Deno.test(`a login of ${name} over http is warned of once, with the cure`, async () => {
    for (const origin of INSECURE) {
      for (const headers of [{}, { origin }, { origin: "null" }, { referer: `${origin}/login` }]) {
        const { app, login, warnings } = setup();
        await app.request(`${origin}/read`, { headers: { "user-agent": agent } });
        assertEquals(warnings, []);
        assertEquals(await login(origin, { "user-agent": agent, ...headers }), 1, origin);
        assertMatch(
          warnings[0]!,
          /^Cannot keep session cookie: it is Secure, and browsers drop it from http:\/\/.+; open http:\/\/localhost, serve HTTPS, or set cookieOptions: \{ secure: false \}/,
        );
        assertEquals(await login(origin, { "user-agent": agent }), 0, "once");
      }
    }
  });
}

Deno.test("a login where the browser keeps the cookie is warned of nowhere", async () => {
  const { login } = setup();
  for (const origin of TRUSTED) {
    assertEquals(await login(origin, { "user-agent": CHROME }), 0, origin);
  }
  const insecure = setup({ cookieOptions: { secure: false } });
  assertEquals(await insecure.login(INSECURE[0]!, { "user-agent": CHROME }), 0);
});

Deno.test("a login behind a proxy that ends TLS is warned of nowhere", async () => {
  const { login } = setup();
  const behind: Record<string, string>[] = [
    { "user-agent": CHROME, "sec-fetch-site": "same-origin" },
    { "user-agent": CHROME, "sec-fetch-site": "none" },
    { "user-agent": OLD_SAFARI },
    { "user-agent": OLD_SAFARI, origin: "https://app.test" },
    { "user-agent": CHROME, origin: "https://app.test" },
    { "user-agent": CHROME, referer: "https://app.test/login" },
    { "user-agent": CHROME, referer: "http://other.test/", origin: "http://other.test" },
  ];
  for (const headers of behind) assertEquals(await login("http://app.test", headers), 0);
  const old = { "user-agent": OLD_SAFARI, origin: "http://app.test" };
  assertEquals(await login("http://app.test", old), 1, "it says itself that it came over http");
});

Deno.test("clients that are no browsers are warned of nowhere", async () => {
  const { login } = setup();
  const agents = [
    "",
    "curl/8.5.0",
    "Deno/2.9.6",
    "node",
    "python-requests/2.32",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/149.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 6.0.1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
  ];
  for (const agent of agents) {
    assertEquals(await login("http://app.test", { "user-agent": agent }), 0, agent);
  }
});

Deno.test("a cookie that is sent again over http is warned of, a logout isn't", async () => {
  const store = new EncryptedCookieStore({ secret: SECRET });
  const { app, warnings } = setup({ store });
  const first = await app.request("http://app.test/login");
  const headers = { cookie: first.headers.getSetCookie()[0]!.split(";")[0]!, "user-agent": CHROME };
  await app.request("http://app.test/logout", { headers });
  assertEquals(warnings, []);
  await app.request("http://app.test/login", { headers: { "user-agent": CHROME } });
  assertEquals(warnings.length, 1);
  assert(!warnings[0]!.includes(headers.cookie.slice(4)));
});

Deno.test("each middleware warns for itself, and of its session's own cookie", async () => {
  const [one, other] = [setup(), setup()];
  for (const { login } of [one, other]) {
    assertEquals(await login("http://app.test", { "user-agent": CHROME }), 1);
  }
  const warnings: string[] = [];
  const app = new Hono()
    .use(session<{ a?: number }>({
      store: new MapStore(),
      logger: { error() {}, warn: (message) => warnings.push(message) },
    }))
    .get("/plain", (c) => {
      c.get("sessionCookie").secure = false;
      c.var.session.a = 1;
      return c.text("set");
    });
  await app.request("http://app.test/plain", { headers: { "user-agent": CHROME } });
  assertEquals(warnings, []);
});

Deno.test({
  name: "Chromium drops the cookie where it is warned of, and keeps it where it isn't",
  ignore: skipChromium() || addressOf() === undefined,
  async fn() {
    for (const [hostname, expected] of [[addressOf()!, "nobody"], ["localhost", "42"]]) {
      const { app, warnings } = setup();
      app.get("/", (c) => c.html("<form method=post action=/login><button>Log in</button></form>"));
      const server = Deno.serve({ port: 0, hostname: "0.0.0.0", onListen() {} }, app.fetch);
      const browser = await launchChromium();
      const page = await browser.newPage();
      const origin = `http://${hostname}:${server.addr.port}`;
      await page.goto(origin);
      await page.getByRole("button").click();
      await page.goto(`${origin}/read`);
      assertEquals(await page.locator("body").innerText(), expected, hostname);
      assertEquals(warnings.length, expected === "42" ? 0 : 1, hostname);
      await browser.close();
      await server.shutdown();
    }
  },
});
