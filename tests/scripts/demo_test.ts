import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { createApp } from "../../scripts/demo/app.ts";
import { listen } from "../../scripts/demo/listen.ts";
import { DenoKvStore } from "../../stores/deno_kv.ts";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { Browser, registrationOf } from "../_support/device.ts";

const DAY = 86_400;
const WELCOME = "Welcome back, Ada";

/** What a test begins with. */
interface Stage {
  clock: FakeClock;
  app: ReturnType<typeof createApp>;
}

function demoTest(name: string, run: (visitor: Client, stage: Stage) => Promise<void>): void {
  Deno.test(`demo: ${name}`, async () => {
    const clock = new FakeClock();
    await using store = new DenoKvStore({ path: ":memory:", clock: clock.now });
    const app = createApp({ store, secret: SECRET, clock: clock.now });
    await run(new Client(app), { app, clock });
  });
}

/** Sends a form as a browser does. */
function post(
  visitor: Client,
  path: string,
  form: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  return visitor.fetch(path, {
    method: "POST",
    headers: { "sec-fetch-site": "same-origin", ...headers },
    body: new URLSearchParams(form),
  });
}

async function logIn(visitor: Client, form: Record<string, string> = {}): Promise<void> {
  assertRedirect(await post(visitor, "/login", { name: "Ada", ...form }), "/");
}

/** Says again who the user is. */
async function confirm(visitor: Client, name = "Ada"): Promise<void> {
  assertRedirect(await post(visitor, "/devices/confirm", { name }), "/devices");
}

/** The text of a page that is there. */
async function read(visitor: Client, path: string): Promise<string> {
  const response = await visitor.fetch(path);
  assertEquals(response.status, 200, path);
  return await response.text();
}

function assertRedirect(response: Response, location: string): void {
  assertEquals([response.status, response.headers.get("location")], [303, location]);
}

demoTest("looking around gives no cookie", async (visitor) => {
  for (
    const path of [
      "/",
      "/login",
      "/profile",
      "/counter",
      "/counter.json",
      "/devices",
      "/goodbye",
      "/no",
    ]
  ) {
    const response = await visitor.fetch(path);
    assertEquals(response.headers.getSetCookie(), [], path);
  }
  assertStringIncludes(await read(visitor, "/"), "None yet");
});

demoTest("login greets once", async (visitor) => {
  const response = await post(visitor, "/login", { name: "  Ada " });
  assertRedirect(response, "/");
  assertEquals(response.headers.get("cache-control"), "no-store");
  const [cookie, ...others] = response.headers.getSetCookie();
  assertEquals(others, []);
  assertMatch(
    cookie ?? "",
    /^sid=[\w-]{43}\.[\w-]{43}; Max-Age=86400; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );

  const first = await read(visitor, "/");
  assertStringIncludes(first, `<p class="notice" role="status">${WELCOME}</p>`);
  assertStringIncludes(first, "Hello, Ada<");
  const second = await read(visitor, "/");
  assert(!second.includes(WELCOME));
  assertStringIncludes(second, "Hello, Ada<");
});

demoTest("pages can't come back from a cache", async (visitor) => {
  await logIn(visitor);
  for (const path of ["/", "/profile", "/counter", "/devices", "/no"]) {
    assertEquals((await visitor.fetch(path)).headers.get("cache-control"), "no-store", path);
  }
});

demoTest("login takes no bad name and keeps what was typed", async (visitor) => {
  const long = "é".repeat(41);
  for (
    const [name, typed, message] of [
      ["", "", "Enter a name."],
      ["   ", "   ", "Enter a name."],
      [long, long, "Use at most 40 characters. These are 41."],
      [`"><b>${long}`, `&quot;&gt;&lt;b&gt;${long}`, "Use at most 40 characters. These are 46."],
    ] as const
  ) {
    const response = await post(visitor, "/login", { name, remember: "on" });
    assertEquals(response.status, 422);
    assertEquals(response.headers.getSetCookie(), []);
    const page = await response.text();
    assertStringIncludes(page, `value="${typed}"`);
    assertStringIncludes(page, `<p class="error" id="name-error">${message}</p>`);
    assertMatch(page, /aria-describedby="name-error name-hint"\s+aria-invalid="true"/);
    assertMatch(page, /name="remember"[^>]* checked\s*>/);
  }
  await logIn(visitor, { name: "🦕".repeat(40) });
});

demoTest("a form without its field is refused like an empty one", async (visitor) => {
  assertEquals((await post(visitor, "/login")).status, 422);
});

demoTest("a name is text, never markup", async (visitor) => {
  await logIn(visitor, { name: `<script>"'&</script>` });
  for (const path of ["/", "/profile", "/devices"]) {
    const page = await read(visitor, path);
    assertStringIncludes(page, "&lt;script&gt;&quot;&#39;&amp;&lt;/script&gt;");
    assert(!page.includes(`<script>"`));
  }
});

demoTest("a session lasts for a day unused", async (visitor, { clock }) => {
  await logIn(visitor);
  const page = await read(visitor, "/profile");
  assertStringIncludes(page, `datetime="2030-01-02T00:00:00.000Z"`);
  assertMatch(page, />\d+ Jan 2030, \d\d:\d\d/);
  assertStringIncludes(page, "24 hours after the last use");
  for (let visit = 0; visit < 3; visit++) {
    clock.advance(DAY - 1);
    assertEquals((await visitor.fetch("/profile")).status, 200);
  }
  clock.advance(DAY);
  assertRedirect(await visitor.fetch("/profile"), "/login");
});

demoTest(
  "a remembered session lasts for thirty days unused",
  async (visitor, { clock }) => {
    await logIn(visitor, { remember: "on" });
    const page = await read(visitor, "/profile");
    assertStringIncludes(page, `datetime="2030-01-31T00:00:00.000Z"`);
    assertStringIncludes(page, "30 days after the last use");
    for (let visit = 0; visit < 3; visit++) {
      clock.advance(30 * DAY - 1);
      assertEquals((await visitor.fetch("/profile")).status, 200);
    }
    clock.advance(30 * DAY);
    assertRedirect(await visitor.fetch("/profile"), "/login");
  },
);

demoTest("the profile changes the name", async (visitor) => {
  await logIn(visitor);
  const cookie = await visitor.cookie();
  const response = await post(visitor, "/profile", { name: " Grace " });
  assertRedirect(response, "/profile");
  const page = await read(visitor, "/profile");
  assertStringIncludes(page, `role="status">Name changed</p>`);
  assertStringIncludes(page, "<dd>Grace</dd>");
  assertStringIncludes(page, `value="Grace"`);
  const [, sid = ""] = /<code>([^<]+)<\/code>/.exec(page) ?? [];
  assertMatch(sid, /^[\w-]{22}$/);
  assert(!cookie.includes(sid));
  assert(!(await read(visitor, "/profile")).includes("Name changed"));
});

demoTest("the profile takes no bad name", async (visitor) => {
  await logIn(visitor);
  const response = await post(visitor, "/profile", { name: "" });
  assertEquals(response.status, 422);
  const page = await response.text();
  assertStringIncludes(page, `<p class="error" id="name-error">Enter a name.</p>`);
  assertStringIncludes(page, "<dd>Ada</dd>");
});

demoTest("the profile is for those who are logged in", async (visitor) => {
  assertRedirect(await visitor.fetch("/profile"), "/login");
  assertRedirect(await post(visitor, "/profile", { name: "Eve" }), "/login");
  assertEquals(await visitor.cookie(), "");
});

demoTest("whoever is logged in can't log in over it", async (visitor) => {
  await logIn(visitor);
  const cookie = await visitor.cookie();
  assertRedirect(await visitor.fetch("/login"), "/");
  await logIn(visitor, { name: "Eve" });
  assertEquals(await visitor.cookie(), cookie);
  assertStringIncludes(await read(visitor, "/"), "Hello, Ada<");
});

demoTest("twenty requests at the same time count as twenty", async (visitor) => {
  const first = await post(visitor, "/counter");
  assertRedirect(first, "/counter");
  const counts = await Promise.all(Array.from({ length: 20 }, async () => {
    const response = await post(visitor, "/counter.json");
    assertEquals(response.status, 200);
    return (await response.json()).count;
  }));
  assertEquals(counts.sort((a, b) => a - b), Array.from({ length: 20 }, (_, index) => index + 2));
  assertEquals(await (await visitor.fetch("/counter.json")).json(), { count: 21 });
  assertStringIncludes(await read(visitor, "/counter"), `id="count">21</p>`);
});

demoTest("many requests don't begin many sessions", async (visitor) => {
  const response = await post(visitor, "/counter.json");
  assertEquals(response.status, 401);
  assertEquals(await visitor.cookie(), "");
  assert(!(await read(visitor, "/counter")).includes(`id="parallel"`));
});

demoTest("login gives a new cookie, keeps the count and kills the old cookie", async (visitor) => {
  await post(visitor, "/counter");
  const before = await visitor.cookie();
  const thief = await visitor.thief();
  assertStringIncludes(await read(thief, "/counter"), `id="count">1</p>`);
  await logIn(visitor);
  assertNotEquals(await visitor.cookie(), before);
  assertStringIncludes(await read(visitor, "/counter"), `id="count">1</p>`);
  assertRedirect(await thief.fetch("/profile"), "/login");
  assertStringIncludes(await read(thief, "/counter"), `id="count">0</p>`);
});

demoTest("logout says so and kills the cookie everywhere", async (visitor) => {
  await logIn(visitor);
  const thief = await visitor.thief();
  assertEquals((await thief.fetch("/profile")).status, 200);
  const response = await post(visitor, "/logout");
  assertRedirect(response, "/goodbye");
  assertEquals(await visitor.cookie(), "");
  assertStringIncludes(await read(visitor, "/goodbye"), "<h1>You are logged out</h1>");
  assertEquals(await visitor.cookie(), "");
  assertRedirect(await visitor.fetch("/profile"), "/login");
  assertRedirect(await thief.fetch("/profile"), "/login");
  assertStringIncludes(await read(thief, "/"), "None yet");
});

demoTest("a form of another site is refused", async (visitor) => {
  await logIn(visitor);
  const response = await post(visitor, "/logout", {}, { "sec-fetch-site": "cross-site" });
  assertEquals(response.status, 403);
  assertStringIncludes(await response.text(), "<h1>That form came from another site</h1>");
  assertEquals((await visitor.fetch("/profile")).status, 200);
});

const PHONE = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";
const LAPTOP = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 " +
  "(KHTML, like Gecko) Version/18.5 Safari/605.1.15";

/** A device in the list, as the page shows it. */
interface Row {
  name: string | undefined;
  current: boolean;
  /** Where the form sends to that ends it. */
  end: string;
}

async function readDevices(visitor: Client): Promise<Row[]> {
  const [, ...rows] = (await read(visitor, "/devices")).split("<li>");
  return rows.map((row) => ({
    name: /<h2>\s*([^<]*?)\s*</.exec(row)?.[1],
    current: row.includes("This device") && row.includes("Active now"),
    end: /<form method="post" action="([^"]+)"/.exec(row)?.[1] ?? "",
  }));
}

/** Two devices that are logged in as the same. */
async function logInTwice({ app }: Stage): Promise<{ phone: Client; laptop: Client }> {
  const [phone, laptop] = [new Client(app), new Client(app)];
  for (const [visitor, userAgent] of [[phone, PHONE], [laptop, LAPTOP]] as const) {
    const response = await post(visitor, "/login", { name: "Ada" }, { "user-agent": userAgent });
    assertRedirect(response, "/");
  }
  return { phone, laptop };
}

/** Asserts that a device is logged out, whatever is clicked on it, and is told so by no error. */
async function assertLoggedOut(visitor: Client): Promise<void> {
  for (const path of ["/profile", "/devices"]) {
    assertRedirect(await visitor.fetch(path), "/login");
  }
  for (const path of ["/profile", "/devices/end-others", "/devices/end-all", "/devices/x/end"]) {
    assertRedirect(await post(visitor, path, { name: "Eve" }), "/login");
  }
  assertStringIncludes(await read(visitor, "/"), "None yet");
  assertStringIncludes(await read(visitor, "/login"), "<h1>Log in</h1>");
}

demoTest("devices are listed with this one marked and first", async (_, stage) => {
  const { phone, laptop } = await logInTwice(stage);
  await logIn(new Client(stage.app), { name: "Grace" });
  const shown = async (visitor: Client) =>
    (await readDevices(visitor)).map(({ name, current }) => [name, current]);
  assertEquals(await shown(phone), [["Firefox on Android", true], ["Safari on macOS", false]]);
  assertEquals(await shown(laptop), [["Safari on macOS", true], ["Firefox on Android", false]]);
});

demoTest("devices tell when they were active, and no token", async (_, stage) => {
  const { phone, laptop } = await logInTwice(stage);
  for (
    const [seconds, text] of [
      [59, "just now"],
      [1, "1 minute ago"],
      [3600, "1 hour ago"],
      [3600, "2 hours ago"],
      [DAY - 7300, "23 hours ago"],
    ] as const
  ) {
    stage.clock.advance(seconds);
    const page = await read(phone, "/devices");
    assertMatch(
      page,
      new RegExp(`<time datetime="2030-01-01T00:00:00.000Z" title="[^"]+">${text}</time>`),
    );
    assert(!page.includes(await phone.value() ?? ""));
    assert(!page.includes(await laptop.value() ?? ""));
  }
  for (let visit = 0; visit < 2; visit++) {
    await laptop.fetch("/counter");
    assertMatch(await read(phone, "/devices"), />just now</);
    stage.clock.advance(3600);
  }
});

demoTest("devices tell that they are bound", async (visitor, { app, clock }) => {
  const bound = await Browser.open(app);
  const login = await post(bound, "/login", { name: "Ada" });
  const { path, challenge } = registrationOf(login)!;
  const registered = await bound.post(path, {
    "secure-session-response": await bound.key.register(challenge),
    "sec-fetch-site": "same-origin",
  });
  assertEquals(registered.status, 200);
  clock.advance(1);
  await logIn(visitor);
  for (const [browser, text] of [[bound, "this"], [visitor, "its"]] as const) {
    const [, ...rows] = (await read(browser, "/devices")).split("<li>");
    const told = rows.filter((row) => row.includes(`Bound to ${text} device since <time`));
    assertEquals([rows.length, told.length], [2, 1]);
  }
});

demoTest("a device that is ended is logged out with its next click", async (_, stage) => {
  const { phone, laptop } = await logInTwice(stage);
  const [, { end } = { end: "" }] = await readDevices(laptop);
  for (const text of ["That device was logged out", "That device was already logged out"]) {
    assertRedirect(await post(laptop, end), "/devices");
    assertStringIncludes(await read(laptop, "/devices"), `role="status">${text}</p>`);
    assertEquals((await readDevices(laptop)).length, 1);
  }
  await assertLoggedOut(phone);
  assertStringIncludes(await read(laptop, "/"), "Hello, Ada<");
});

demoTest("this device is ended like by a logout", async (_, stage) => {
  const { phone, laptop } = await logInTwice(stage);
  const [{ end } = { end: "" }] = await readDevices(phone);
  assertRedirect(await post(phone, end), "/goodbye");
  assertEquals(await phone.cookie(), "");
  await assertLoggedOut(phone);
  assertEquals((await readDevices(laptop)).length, 1);
});

demoTest(
  "a device that is ended from itself as if it were another is logged out",
  async (_, stage) => {
    const { phone, laptop } = await logInTwice(stage);
    const [, { end } = { end: "" }] = await readDevices(laptop);
    assertRedirect(await post(phone, end), "/devices");
    await assertLoggedOut(phone);
  },
);

demoTest("nobody ends the devices of somebody else", async (visitor, stage) => {
  const { phone, laptop } = await logInTwice(stage);
  const [, { end } = { end: "" }] = await readDevices(laptop);
  await logIn(visitor, { name: "Eve" });
  assertRedirect(await post(visitor, end), "/devices");
  assertStringIncludes(await read(visitor, "/devices"), "already logged out");
  await confirm(visitor, "Eve");
  assertRedirect(await post(visitor, "/devices/end-all"), "/goodbye?everywhere");
  for (const device of [phone, laptop]) assertEquals((await readDevices(device)).length, 2);
});

demoTest("all others are ended and this device stays", async (visitor, stage) => {
  const { phone, laptop } = await logInTwice(stage);
  await logIn(visitor);
  assertRedirect(await post(laptop, "/devices/end-others"), "/devices");
  const page = await read(laptop, "/devices");
  assertStringIncludes(page, `role="status">Other devices logged out: 2</p>`);
  assert(!page.includes("Log out all others"));
  assertEquals((await readDevices(laptop)).map(({ current }) => current), [true]);
  for (const other of [phone, visitor]) await assertLoggedOut(other);
  await logIn(phone);
  assertEquals((await readDevices(laptop)).length, 2);
});

demoTest("a logout everywhere ends every device, and says so", async (_, stage) => {
  const { phone, laptop } = await logInTwice(stage);
  await confirm(phone);
  const thief = await phone.thief();
  assertRedirect(await post(phone, "/devices/end-all"), "/goodbye?everywhere");
  assertEquals(await phone.cookie(), "");
  const page = await read(phone, "/goodbye?everywhere");
  assertStringIncludes(page, "<h1>You are logged out everywhere</h1>");
  for (const device of [phone, thief, laptop]) await assertLoggedOut(device);
});

demoTest("logging out everywhere asks again who the user is", async (visitor, stage) => {
  const { phone, laptop } = await logInTwice(stage);
  const isAsked = async () =>
    assertRedirect(await post(phone, "/devices/end-all"), "/devices/confirm");
  await isAsked();
  assertStringIncludes(await read(phone, "/devices/confirm"), "<h1>Is it you?</h1>");
  for (const name of ["", "Eve", "ada"]) {
    const response = await post(phone, "/devices/confirm", { name });
    assertEquals(response.status, 422);
    assertStringIncludes(await response.text(), "That is another name.");
    await isAsked();
  }
  const before = await phone.thief();
  await confirm(phone);
  assertStringIncludes(await read(phone, "/devices"), "Confirmed: for a minute");
  await assertLoggedOut(before);
  stage.clock.advance(61);
  await isAsked();
  await confirm(phone);
  stage.clock.advance(60);
  assertRedirect(await post(phone, "/devices/end-all"), "/goodbye?everywhere");
  await assertLoggedOut(laptop);
  for (const path of ["/devices/confirm", "/devices/end-all"]) {
    assertRedirect(await post(visitor, path, { name: "Ada" }), "/login");
  }
  assertRedirect(await visitor.fetch("/devices/confirm"), "/login");
});

demoTest("one login more than there is room for ends the oldest", async (visitor, stage) => {
  await logIn(visitor);
  const others = Array.from({ length: 5 }, () => new Client(stage.app));
  for (const other of others) {
    stage.clock.advance(1);
    await logIn(other);
  }
  await assertLoggedOut(visitor);
  for (const other of others) assertEquals((await readDevices(other)).length, 5);
  assertStringIncludes(await read(others[0]!, "/devices"), "Up to 5 devices");
});

demoTest("a new name leaves a device in its list", async (_, stage) => {
  const { phone, laptop } = await logInTwice(stage);
  await post(phone, "/profile", { name: "Grace" });
  for (const device of [phone, laptop]) assertEquals((await readDevices(device)).length, 2);
  assertStringIncludes(await read(phone, "/devices"), "<strong>Ada</strong>");
});

demoTest("a device is described in known words alone", async (_, { app }) => {
  const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 " +
    "(KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 " +
    "(KHTML, like Gecko)";
  for (
    const [userAgent, name] of [
      [windows, "Chrome on Windows"],
      [`${windows} Edg/140.0.0.0`, "Edge on Windows"],
      [`${windows} OPR/120.0.0.0`, "Opera on Windows"],
      [`${phone} Version/18.5 Mobile/15E148 Safari/604.1`, "Safari on iPhone"],
      [`${phone} CriOS/140.0.0.0 Mobile/15E148 Safari/604.1`, "Chrome on iPhone"],
      [`${phone} FxiOS/140.0 Mobile/15E148 Safari/604.1`, "Firefox on iPhone"],
      [phone, "iPhone"],
      ["Firefox/140.0", "Firefox"],
      ["curl/8.0", "Unknown device"],
      ["", "Unknown device"],
      ["<script>alert(1)</script>", "Unknown device"],
      [" ".repeat(100_000) + windows, "Unknown device"],
      [windows + "x".repeat(100_000), "Chrome on Windows"],
    ] as const
  ) {
    const visitor = new Client(app);
    await post(visitor, "/login", { name: "Ada" }, { "user-agent": `x${userAgent}` });
    assertEquals((await readDevices(visitor))[0]?.name, name);
  }
});

demoTest("forms of another site end nothing", async (_, stage) => {
  const { phone, laptop } = await logInTwice(stage);
  const [, { end } = { end: "" }] = await readDevices(laptop);
  for (const path of [end, "/devices/end-others", "/devices/end-all"]) {
    const response = await post(laptop, path, {}, { "sec-fetch-site": "cross-site" });
    assertEquals(response.status, 403);
  }
  for (const device of [phone, laptop]) assertEquals((await readDevices(device)).length, 2);
});

demoTest("a huge form is refused", async (visitor) => {
  const response = await post(visitor, "/login", { name: "a".repeat(20_000) });
  assertEquals(response.status, 413);
  assertStringIncludes(await response.text(), "<h1>That was too much</h1>");
});

demoTest("an unknown page is one of the demo's", async (visitor) => {
  const response = await visitor.fetch("/no");
  assertEquals(response.status, 404);
  assertStringIncludes(await response.text(), "<h1>There is no such page</h1>");
});

Deno.test("demo: an error gives a page that tells nothing of it", async () => {
  await using store = new DenoKvStore({ path: ":memory:" });
  let works = true;
  const clock = () => {
    if (works) return Date.now();
    throw new Error("out of order");
  };
  const visitor = new Client(createApp({ store, secret: SECRET, clock }));
  await logIn(visitor);
  works = false;
  await assertFailure(visitor, 500, "Something went wrong");
});

Deno.test("demo: a failing store gives a page that says so", async () => {
  await using store = new class extends DenoKvStore {
    override read(): Promise<never> {
      return Promise.reject(new Error("out of order"));
    }
  }({ path: ":memory:" });
  const visitor = new Client(createApp({ store, secret: SECRET }));
  await logIn(visitor);
  await assertFailure(visitor, 503, "Sessions can&#39;t be reached");
});

Deno.test("demo: it takes the next port when the default one is taken", async () => {
  const taken = listen(() => new Response());
  const next = listen(() => new Response());
  assert(next.addr.port > taken.addr.port);
  assertEquals(next.addr.hostname, "127.0.0.1");
  await Promise.all([taken.shutdown(), next.shutdown()]);
});

Deno.test("demo: it takes no other port than the one that was asked for", async () => {
  const taken = listen(() => new Response(), { port: "0" });
  const port = String(taken.addr.port);
  assertThrows(() => listen(() => new Response(), { port }), Deno.errors.AddrInUse);
  await taken.shutdown();
  for (const text of ["", "http", "-1", "1.5", "65536"]) {
    assertThrows(
      () => listen(() => new Response(), { port: text }),
      RangeError,
      `PORT is "${text}"`,
    );
  }
});

/** Asserts that a page fails, with one report for whoever runs the demo. */
async function assertFailure(visitor: Client, status: number, title: string): Promise<void> {
  const { error } = console;
  let reports = 0;
  console.error = () => reports++;
  try {
    const response = await visitor.fetch("/");
    assertEquals(response.status, status);
    const page = await response.text();
    assertStringIncludes(page, `<h1>${title}</h1>`);
    assert(!page.includes("out of order"));
    assertEquals(reports, 1);
  } finally {
    console.error = error;
  }
}
