import type { Hono } from "hono";
import { CookieJar } from "tough-cookie";

const ORIGIN = "https://app.test";

/** Enough of an application for a client. */
type App = Pick<Hono, "fetch">;

/** A visitor with a cookie jar that isn't ours. */
export class Client {
  readonly #app: App;
  readonly #jar = new CookieJar();

  constructor(app: App) {
    this.#app = app;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const url = ORIGIN + path;
    const headers = new Headers(init.headers);
    const cookie = await this.#jar.getCookieString(url);
    if (cookie && !headers.has("cookie")) headers.set("cookie", cookie);
    const response = await this.#app.fetch(new Request(url, { ...init, headers }));
    for (const line of response.headers.getSetCookie()) await this.#jar.setCookie(line, url);
    return response;
  }

  async text(path: string, init?: RequestInit): Promise<string> {
    return await (await this.fetch(path, init)).text();
  }

  async json(path: string, init?: RequestInit): Promise<unknown> {
    return await (await this.fetch(path, init)).json();
  }

  /** The cookie header that the next request carries. */
  async cookie(): Promise<string> {
    return await this.#jar.getCookieString(ORIGIN);
  }

  /** The value of a cookie. */
  async value(name = "sid"): Promise<string | undefined> {
    const cookies = await this.#jar.getCookies(ORIGIN);
    return cookies.find(({ key }) => key === name)?.value;
  }

  /** Another visitor with the same cookie, as a thief would be. */
  async thief(): Promise<Client> {
    const other = new Client(this.#app);
    for (const cookie of await this.#jar.getCookies(ORIGIN)) {
      await other.#jar.setCookie(cookie.toString(), ORIGIN);
    }
    return other;
  }
}
