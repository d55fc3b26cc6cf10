/** What a shared cache does not heed of what it is told. */
export interface SharedCacheOptions {
  /** Tells it to take one answer for all, as caches do that look at the URL alone. */
  ignoresVary?: boolean;
  /** Tells it to keep whatever is not `no-store`, as caches do that are told to cache everything. */
  ignoresPrivate?: boolean;
}

interface Kept {
  readonly vary: readonly string[];
  readonly asked: Headers;
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: ArrayBuffer | null;
}

/** The statuses that may be kept though nothing says how long (RFC 9110, 15.1). */
const HEURISTIC = [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501];

/** A cache for many users in front of an application, as RFC 9111 has it; it never forgets. */
export class SharedCache {
  /** How often it answered by itself. */
  hits = 0;
  readonly #origin: (request: Request) => Response | Promise<Response>;
  readonly #options: SharedCacheOptions;
  readonly #kept = new Map<string, Kept[]>();

  constructor(
    origin: (request: Request) => Response | Promise<Response>,
    options: SharedCacheOptions = {},
  ) {
    this.#origin = origin;
    this.#options = options;
  }

  readonly fetch = async (request: Request): Promise<Response> => {
    if (request.method !== "GET" && request.method !== "HEAD") return await this.#origin(request);
    const kept = this.#kept.get(request.url)?.find((each) => this.#answers(each, request));
    if (kept) {
      this.hits++;
      const { status, headers, body } = kept;
      return new Response(request.method === "HEAD" ? null : body, { status, headers });
    }
    const response = await this.#origin(request);
    if (this.#mayKeep(request, response)) await this.#keep(request, response.clone());
    return response;
  };

  #answers({ vary, asked }: Kept, { headers }: Request): boolean {
    return this.#options.ignoresVary === true ||
      !vary.includes("*") && vary.every((name) => asked.get(name) === headers.get(name));
  }

  #mayKeep(request: Request, { status, headers }: Response): boolean {
    const directives = listOf(headers.get("cache-control")).map((each) => each.split("=")[0]!);
    if (directives.includes("no-store")) return false;
    if (!this.#options.ignoresPrivate && directives.includes("private")) return false;
    const shared = ["public", "s-maxage"].some((name) => directives.includes(name));
    if (request.headers.has("authorization") && !shared) return false;
    return shared || directives.includes("max-age") || headers.has("expires") ||
      HEURISTIC.includes(status);
  }

  async #keep(request: Request, response: Response): Promise<void> {
    const body = request.method === "HEAD" || [204, 304].includes(response.status)
      ? null
      : await response.arrayBuffer();
    if (request.method === "HEAD") return;
    const kept = this.#kept.get(request.url) ?? [];
    kept.push({
      vary: listOf(response.headers.get("vary")),
      asked: new Headers(request.headers),
      status: response.status,
      headers: [...response.headers],
      body,
    });
    this.#kept.set(request.url, kept);
  }
}

function listOf(header: string | null): string[] {
  return (header ?? "").split(",").map((each) => each.trim().toLowerCase()).filter(Boolean);
}
