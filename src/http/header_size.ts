import type { Logger } from "../events.ts";

/** What nginx with its defaults has room for: the whole header of a response, in bytes (`proxy_buffer_size`). */
const NGINX_BUFFER = 4096;

/**
 * How many bytes of `Set-Cookie` are warned of: they leave as much of that as the headers of an ordinary page take, those that
 * guard it included.
 */
const WARNED_BYTES = NGINX_BUFFER - 1024;

/** The loggers that were warned. */
const warned = new WeakSet<Logger>();

/** Warns once in a process, but for each logger, of a cookie that a proxy may have no room for. */
export function warnOfLargeCookie(bytes: number, logger: Logger): void {
  if (bytes <= WARNED_BYTES || warned.has(logger)) return;
  warned.add(logger);
  logger.warn(
    `Cannot rely on proxies with session cookie: it is ${bytes} bytes, and nginx answers 502 where all headers of a ` +
      `response are more than ${NGINX_BUFFER}; raise its proxy_buffer_size, or keep less in the session`,
  );
}
