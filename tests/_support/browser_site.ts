import { session, type SessionEnv, type SessionOptions, type SessionStore } from "@x/hono-session";
import { EncryptedCookieStore, Revocations } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { Hono, type MiddlewareHandler } from "hono";
import { html } from "hono/html";
import type { BrowserContext, Page } from "playwright-core";
import { FakeClock } from "./clock.ts";
import { SECRET } from "./cookie_stores.ts";
import { Gate } from "./gate.ts";

/** How long a session lives that nobody uses, in seconds. */
export const MAX_AGE = 1000;

export interface Data {
  user?: string;
  visits?: number;
  notice?: string;
}

type App = Hono<SessionEnv<Data>>;

/** A store on the server and one in the cookie. */
export const STORES = {
  MapStore: ({ now }: FakeClock): SessionStore => new MapStore({ clock: now }),
  EncryptedCookieStore: ({ now }: FakeClock): SessionStore =>
    new EncryptedCookieStore({
      secret: SECRET,
      clock: now,
      revocations: new Revocations(new MapStore({ clock: now, maxEntries: Infinity })),
    }),
};

export interface SiteOptions extends Omit<SessionOptions<Data>, "store" | "clock" | "events"> {
  readonly store: keyof typeof STORES;
  /** Runs around the session. */
  readonly outside?: MiddlewareHandler;
  readonly routes?: (app: App, site: Site) => void;
}

/** A small application on the loopback interface, whose clock the test sets. */
export class Site implements AsyncDisposable {
  readonly clock = new FakeClock();
  /** What was answered: method, path and status. */
  readonly answers: string[] = [];
  /** Why sessions were rejected. */
  readonly rejections: string[] = [];
  /** Whoever is held waits at the next of these. */
  readonly gates = [new Gate(), new Gate()];
  /** The browser whose cookies end by this clock. */
  browser: BrowserContext | undefined;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #held = 0;
  #left = Promise.resolve();
  readonly #sent = new Map<string, (() => void)[]>();
  /** When a browser with this clock would drop its cookie, in epoch milliseconds. */
  #cookieEnd = Infinity;

  constructor({ store, outside, routes, ...options }: SiteOptions) {
    const app = new Hono<SessionEnv<Data>>();
    if (outside) app.use(outside);
    app.use(session<Data>({
      maxAge: MAX_AGE,
      ...options,
      store: STORES[store](this.clock),
      clock: this.clock.now,
      events: { rejected: ({ reason }) => void this.rejections.push(reason) },
      logger: { error() {}, warn() {} },
    }));
    routes?.(app, this);
    app.get("/", (c) => c.html(toPage(`Hello ${c.var.session.user ?? "nobody"}`)));
    app.post("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.user = "Ada";
      return c.redirect("/", 303);
    });
    app.get("/held", async (c) => {
      const { signal } = c.req.raw;
      this.#left = new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
      await this.hold();
      return c.text("held");
    });
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => this.#answer(app, request),
    );
  }

  /** Its origin, which browsers trust with `Secure` cookies. */
  get address(): string {
    return `http://localhost:${this.#server.addr.port}`;
  }

  /** Goes on, in seconds. The browser's own clock can't be set, so its cookie is dropped for it. */
  async advance(seconds: number): Promise<void> {
    this.clock.advance(seconds);
    if (this.clock.now() >= this.#cookieEnd) await this.browser?.clearCookies({ name: "sid" });
  }

  /** Holds a request at the next gate. */
  async hold(): Promise<void> {
    await this.gates[this.#held++]!.pass();
  }

  /** Resolves when the client of the request that is held has closed its connection. */
  left(): Promise<void> {
    return this.#left;
  }

  /** Resolves when the next answer to a path has been made, whether or not anybody waits for it. */
  answered(path: string): Promise<void> {
    return new Promise((resolve) => {
      this.#sent.set(path, [...this.#sent.get(path) ?? [], resolve]);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(app: App, request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const response = await app.fetch(request);
    this.answers.push(`${request.method} ${pathname} ${response.status}`);
    const maxAge = response.headers.getSetCookie().map((line) => /^sid=.*Max-Age=(\d+)/.exec(line))
      .find((match) => match !== null)?.[1];
    if (maxAge !== undefined) this.#cookieEnd = this.clock.now() + Number(maxAge) * 1000;
    for (const resolve of this.#sent.get(pathname) ?? []) resolve();
    this.#sent.delete(pathname);
    return response;
  }
}

/** A page with a heading and whatever else there is to show. */
export function toPage(heading: string, rest: unknown = "") {
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <title>Site</title>
      </head>
      <body>
        <h1>${heading}</h1>
        <form method="post" action="/login"><button>Log in</button></form>
        ${rest}
      </body>
    </html>
  `;
}

/** Logs in through the form of the front page. */
export async function logIn(page: Page, site: Site): Promise<void> {
  await page.goto(site.address);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Hello Ada" }).waitFor();
}

/** Gives what the heading of a page says, without the scripts that a locator adds to every page. */
export const READ_HEADING = 'document.querySelector("h1").innerText';

/** Opens a page, and tells what its heading says. */
export async function headingOf(page: Page, url: string): Promise<string> {
  await page.goto(url);
  return await page.evaluate<string>(READ_HEADING);
}
