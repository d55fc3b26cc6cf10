import {
  createSessions,
  type SessionEnv,
  type SessionManager,
  type SessionOptions,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { type Context, Hono } from "hono";
import { csrf } from "hono/csrf";
import { upgradeWebSocket } from "hono/deno";
import { html } from "hono/html";
import type { TestCertificate } from "./certificate.ts";
import { SECRET } from "./cookie_stores.ts";

/** How long a proof is valid, in seconds. */
export const EVERY = 600;

/** The hosts of the site, and of another site. */
export const HOSTS = ["app.test", "mail.test"] as const;

interface Data {
  user?: string;
}

type App = Hono<SessionEnv<Data>>;

/** A store whose reads or writes fail when it is told to. */
class FailingStore extends MapStore {
  failing: "reads" | "writes" | undefined;

  override read(...args: Parameters<MapStore["read"]>): ReturnType<MapStore["read"]> {
    if (this.failing === "reads") throw new Error("out of order");
    return super.read(...args);
  }

  override update(...args: Parameters<MapStore["update"]>): ReturnType<MapStore["update"]> {
    if (this.failing === "writes") throw new Error("out of order");
    return super.update(...args);
  }
}

/** Options of {@linkcode BoundSite}. */
export interface BoundSiteOptions extends Omit<SessionOptions<Data>, "store" | "clock" | "events"> {
  /** The path under which the application is mounted, without a slash at its end. */
  readonly base?: string;
  /** Whether a proxy ends TLS, and speaks plain HTTP with the application. */
  readonly proxied?: boolean;
  /** Middleware and routes before those of the site. */
  readonly routes?: (app: App, site: BoundSite) => void;
}

/** An application on TLS with device-bound sessions, and another site that links to it. */
export class BoundSite implements AsyncDisposable {
  /** The answers to what browsers send by themselves: registrations and refreshes. */
  readonly answers: number[] = [];
  /** What was emitted: `bound`, and why sessions were rejected, with what the browser says. */
  readonly emitted: string[] = [];
  readonly sessions: SessionManager<Data>;
  readonly store: FailingStore;
  #held: PromiseWithResolvers<void> & { readonly path: string } | undefined;
  /** In epoch milliseconds. */
  readonly clock = (): number => Date.now() + this.#ahead;
  readonly #base: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #ahead = 0;

  constructor({ cert, key }: TestCertificate, options: BoundSiteOptions = {}) {
    const { base = "", proxied = false, routes, ...sessionOptions } = options;
    const devicePath = `${base}/_session/device`;
    this.#base = base;
    this.store = new FailingStore({ clock: this.clock });
    this.sessions = createSessions<Data>({
      store: this.store,
      clock: this.clock,
      secret: SECRET,
      device: { path: devicePath, every: EVERY },
      events: {
        bound: () => void this.emitted.push("bound"),
        rejected: ({ reason, skipped = "" }) =>
          void this.emitted.push(`${reason} ${skipped}`.trim()),
      },
      logger: { error() {}, warn() {} },
      ...sessionOptions,
    });
    const application = this.#application(routes);
    const other = otherSite(base);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} },
      async (request, info) => {
        const { hostname, pathname, search } = new URL(request.url);
        if (pathname === this.#held?.path) await this.#held.promise;
        const response = await (hostname === "app.test"
          ? application.fetch(
            proxied ? new Request(`http://app${pathname}${search}`, request) : request,
            info,
          )
          : other.fetch(request));
        if (pathname.startsWith(devicePath)) {
          this.answers.push(response.status);
          this.#held?.resolve();
        }
        return response;
      },
    );
  }

  /** The address of a page. */
  url(path: string): string {
    return `https://app.test:${this.#server.addr.port}${this.#base}${path}`;
  }

  /** The address of the other site. */
  get other(): string {
    return `https://mail.test:${this.#server.addr.port}/`;
  }

  /** Lets the requests for a page wait until a registration or refresh has been answered. */
  hold(path: string): void {
    this.#held = { path, ...Promise.withResolvers<void>() };
  }

  /** Goes on, in seconds. */
  advance(seconds: number): void {
    this.#ahead += seconds * 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#held?.resolve();
    await this.#server.shutdown();
  }

  #application(routes: BoundSiteOptions["routes"]): App {
    const base = this.#base;
    const logIn = async (c: Context<SessionEnv<Data>>) => {
      await c.var.session.regenerate();
      c.var.session.user = c.var.session.subject = "Ada";
      return c.redirect(`${base}/`, 303);
    };
    const app: App = new Hono<SessionEnv<Data>>({ strict: false }).basePath(base || "/");
    app.use(csrf(), this.sessions.middleware());
    routes?.(app, this);
    return app
      .get("/", (c) => c.html(page(`Hello ${c.var.session.user ?? "nobody"}`, { base })))
      .get("/user", (c) => c.text(c.var.session.user ?? "nobody"))
      .post("/user", async (c) => c.text(await c.req.text() + c.var.session.user))
      .post("/login", logIn)
      .get("/callback", logIn)
      .post("/logout", (c) => {
        c.var.session.destroy();
        return c.redirect(`${base}/`, 303);
      })
      .get(
        "/socket",
        upgradeWebSocket((c) => {
          const { user = "nobody" } = c.var.session;
          return { onMessage: (_, socket) => socket.send(user) };
        }),
      );
  }
}

/** A site that links to the application, and sends users back to it who have logged in there. */
function otherSite(base: string): Hono {
  const at = (c: Context, path: string) =>
    new URL(base + path, c.req.url.replace("mail.test", "app.test")).href;
  return new Hono()
    .get("/", (c) => c.html(page("Mail", { rest: html`<a href="${at(c, "/")}">Open</a>` })))
    .post("/login", (c) => c.redirect(at(c, "/callback"), 303));
}

function page(
  heading: string,
  { base = "", rest = "" }: { base?: string; rest?: unknown } = {},
) {
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <title>Site</title>
        <link rel="icon" href="data:,">
      </head>
      <body>
        <h1>${heading}</h1>
        <form method="post" action="${base}/login"><button>Log in</button></form>
        <form method="post" action="${base}/logout"><button>Log out</button></form>
        ${rest}
      </body>
    </html>
  `;
}
