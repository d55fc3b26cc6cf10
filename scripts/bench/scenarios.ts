import type { Hono } from "hono";
import { isInCookie, type Storage } from "./backends.ts";

const ORIGIN = "http://localhost";

/** What browsers send beside it. */
const OTHER_COOKIES = "theme=dark; language=en-GB; ";

/** How many requests are in flight where many are. */
export const CROWD = 64;

/** A request to an application. */
export interface Scenario {
  readonly path: "/untouched" | "/read" | "/write" | "/begin";
  /** Who asks: somebody new, many in turn, or one again and again. */
  readonly visitors: "new" | "many" | "one";
  /** Whether a library has to know the session. */
  readonly touched: boolean;
}

/** What is measured. */
export const SCENARIOS: Record<string, Scenario> = {
  "no cookie": { path: "/untouched", visitors: "new", touched: false },
  "untouched": { path: "/untouched", visitors: "many", touched: false },
  "read": { path: "/read", visitors: "many", touched: true },
  "read again": { path: "/read", visitors: "one", touched: true },
  "write": { path: "/write", visitors: "many", touched: true },
  "first write": { path: "/begin", visitors: "new", touched: true },
};

/** Whether a scenario is another one than the rest: only what was opened lately is remembered. */
export function takesPlace(scenario: string, storage: Storage): boolean {
  return scenario !== "read again" || isInCookie(storage);
}

/** The cookies that an application gives to a number of visitors, each as a header. */
export async function cookiesOf(app: Hono, visitors: number): Promise<string[]> {
  const cookies: string[] = [];
  while (cookies.length < visitors) {
    const response = await app.request("/begin");
    const pairs = response.headers.getSetCookie().map((line) => line.split(";")[0]!);
    // The last one counts where a library sends several of one name.
    const byName = new Map(pairs.map((pair) => [pair.split("=")[0]!, pair]));
    if (response.status !== 200 || byName.size === 0) throw new Error("Cannot begin session");
    cookies.push(OTHER_COOKIES + [...byName.values()].join("; "));
  }
  return cookies;
}

/** The requests of a scenario. */
export function requestsOf(
  { path, visitors }: Scenario,
  cookies: readonly string[],
): Request[] {
  if (visitors === "new") return [new Request(ORIGIN + path)];
  return (visitors === "one" ? cookies.slice(0, 1) : cookies)
    .map((cookie) => new Request(ORIGIN + path, { headers: { cookie } }));
}

/**
 * Asks an application to keep a session, as a browser would.
 *
 * @throws {Error} When it doesn't.
 */
export async function verify(app: Hono, name: string): Promise<void> {
  let [cookie] = await cookiesOf(app, 1);
  const ask = async (path: string) => {
    const response = await app.request(path, { headers: { cookie: cookie! } });
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(";");
      const name = pair!.split("=")[0]!;
      cookie = cookie!.replace(new RegExp(`(^|; )${name}=[^;]*`), (_, before) => before + pair);
    }
    return await response.text();
  };
  const before = await ask("/read");
  const written = await ask("/write");
  const after = await ask("/read");
  if (before === "1" && after === written && after !== before) return;
  throw new Error(`Cannot measure ${name}: it read ${before}, then ${after} for ${written}`);
}
