const DEFAULT_PORT = 8000;
const TRIES = 20;

type Server = Deno.HttpServer<Deno.NetAddr>;
type Handler = Deno.ServeHandler<Deno.NetAddr>;

/** Where the demo serves. */
export interface ListenOptions {
  /** The port that was asked for. */
  port?: string | undefined;
  /** PEM. Without them the demo serves without TLS. */
  tls?: { cert: string; key: string } | undefined;
}

/**
 * Serves on this machine only: on the port that was asked for, else on the default one or the next that
 * is free.
 *
 * @throws {RangeError} When what was asked for is no port.
 */
export function listen(handler: Handler, { port: asked, tls }: ListenOptions = {}): Server {
  if (asked !== undefined) return serve(handler, { port: parsePort(asked), ...tls });
  for (let port = DEFAULT_PORT;; port++) {
    try {
      return serve(handler, { port, ...tls });
    } catch (error) {
      const last = port === DEFAULT_PORT + TRIES - 1;
      if (last || !(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

function serve(
  handler: Handler,
  options: { port: number } | { port: number; cert: string; key: string },
): Server {
  return Deno.serve({ hostname: "127.0.0.1", onListen() {}, ...options }, handler);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new RangeError(`Cannot serve demo: PORT is "${text}", a number up to 65535 is required`);
}
