const DEFAULT_PORT = 8000;
const TRIES = 20;

type Server = Deno.HttpServer<Deno.NetAddr>;
type Handler = Deno.ServeHandler<Deno.NetAddr>;

/**
 * Serves on this machine only: on the port that was asked for, else on the default one or the next that
 * is free.
 *
 * @throws {RangeError} When what was asked for is no port.
 */
export function listen(handler: Handler, asked: string | undefined): Server {
  if (asked !== undefined) return serve(handler, parsePort(asked));
  for (let port = DEFAULT_PORT;; port++) {
    try {
      return serve(handler, port);
    } catch (error) {
      const last = port === DEFAULT_PORT + TRIES - 1;
      if (last || !(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

function serve(handler: Handler, port: number): Server {
  return Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, handler);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new RangeError(`Cannot serve demo: PORT is "${text}", a number up to 65535 is needed`);
}
