import { check } from "./model_history.ts";
import type { Visit } from "./model_visit.ts";

/** The session cookie in an answer. */
export interface SetCookie {
  /** `null` to forget it. */
  readonly token: string | null;
  /** When it ends, in epoch milliseconds. */
  readonly until: number;
}

/** What a browser holds. */
interface Held extends SetCookie {
  readonly token: string;
  /** The request whose answer brought it. */
  readonly by: Visit;
}

/** The cookie jars of clients, which drop cookies when their time is over. */
export class Jars {
  readonly #held: (Held | undefined)[] = [];

  /** The cookie of a client. */
  present(client: number): string | undefined {
    return this.#held[client]?.token;
  }

  /** A client gets a cookie. */
  set(client: number, { token, until, by }: SetCookie & { readonly by: Visit }): void {
    this.#held[client] = token === null ? undefined : { token, until, by };
  }

  /** Drops what has ended, and gives it. */
  drop(now: number): Held[] {
    const dropped = this.#held.filter((held) => held !== undefined && now >= held.until);
    for (const held of dropped) this.#held[this.#held.indexOf(held)] = undefined;
    return dropped as Held[];
  }
}

/** The session cookie of a response that comes at some time. */
export function toSetCookie(response: Response, now: number): SetCookie | undefined {
  const [line, ...others] = response.headers.getSetCookie().filter((line) =>
    line.startsWith("sid=")
  );
  check(others.length === 0, "more than one session cookie");
  if (line === undefined) return undefined;
  const [, token] = /^sid=([^;]*)/.exec(line)!;
  const [, maxAge] = /; Max-Age=(\d+)/i.exec(line) ?? [];
  return { token: token || null, until: now + Number(maxAge ?? Infinity) * 1000 };
}
