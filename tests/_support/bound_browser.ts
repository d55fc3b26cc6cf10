import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { READ_HEADING } from "./browser_site.ts";

/** How long something may take that a browser does by itself, in milliseconds. */
const PATIENCE = 10_000;

/** What Chromium reports of device-bound sessions. */
interface DeviceEvent {
  readonly creationEventDetails?: { readonly fetchResult: string };
  readonly refreshEventDetails?: { readonly refreshResult: string };
  readonly terminationEventDetails?: { readonly deletionReason: string };
}

/** A Chromium with a profile and one page, and what it reports of device-bound sessions. */
export class BoundBrowser implements AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What happened: `created`, `refreshed` or `ended`, with the result. */
  readonly events: string[] = [];
  readonly #devTools: CDPSession;
  #notify = () => {};

  private constructor(context: BrowserContext, page: Page, devTools: CDPSession) {
    this.context = context;
    this.page = page;
    this.#devTools = devTools;
    devTools.on("Network.deviceBoundSessionEventOccurred", (event) => this.#record(event));
  }

  /** Takes over a context, which has one page at most. */
  static async of(context: BrowserContext): Promise<BoundBrowser> {
    context.setDefaultTimeout(PATIENCE);
    const [page = await context.newPage()] = context.pages();
    const devTools = await context.newCDPSession(page);
    const browser = new BoundBrowser(context, page, devTools);
    await devTools.send("Network.enableDeviceBoundSessions", { enable: true });
    return browser;
  }

  /** How often an event has occurred, or all that begin like it. */
  count(event: string): number {
    return this.events.filter((seen) => seen.startsWith(event)).length;
  }

  /** Resolves when an event has occurred so many times. */
  async saw(event: string, count = 1): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (this.count(event) >= count) resolve();
    };
    const timer = setTimeout(() => {
      reject(new Error(`Chromium did not report "${event}" but: ${this.events.join(", ")}`));
    }, PATIENCE);
    this.#notify = look;
    look();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Opens a page, and gives what it says. */
  async read(url: string): Promise<string> {
    await this.page.goto(url);
    return await this.text();
  }

  /** What the page says. */
  async text(): Promise<string> {
    return await this.page.evaluate<string>(READ_HEADING);
  }

  /** Presses the button of the page, and gives what the next page says. */
  async press(name: string): Promise<string> {
    await Promise.all([
      this.page.waitForEvent("load"),
      this.page.getByRole("button", { name }).click(),
    ]);
    return await this.text();
  }

  /** The values of the cookies by their names. */
  async cookies(): Promise<Record<string, string>> {
    const cookies = await this.context.cookies();
    return Object.fromEntries(cookies.map(({ name, value }) => [name, value]));
  }

  /** Drops a cookie, as Chromium does when its time is over. */
  async dropCookie(name: string): Promise<void> {
    const { domain, path } = (await this.context.cookies()).find((cookie) => cookie.name === name)!;
    await this.#devTools.send("Network.deleteCookies", { name, domain, path });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }

  #record(event: DeviceEvent): void {
    const { creationEventDetails, refreshEventDetails, terminationEventDetails } = event;
    if (creationEventDetails) this.events.push(`created ${creationEventDetails.fetchResult}`);
    if (refreshEventDetails) this.events.push(`refreshed ${refreshEventDetails.refreshResult}`);
    if (terminationEventDetails) {
      this.events.push(`ended ${terminationEventDetails.deletionReason}`);
    }
    this.#notify();
  }
}
