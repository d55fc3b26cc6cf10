import type { Logger } from "../events.ts";

/** The largest response header that nginx accepts by default, in bytes (`proxy_buffer_size`). */
const NGINX_BUFFER = 4096;

/**
 * The size of `Set-Cookie` at which a warning is logged, in bytes. The rest is room for the headers of an
 * ordinary page, including security headers.
 */
const WARNED_BYTES = NGINX_BUFFER - 1024;

/** The loggers that received the warning. */
const warned = new WeakSet<Logger>();

/** Warns once per process and logger that a proxy may reject the size of a cookie. */
export function warnOfLargeCookie(bytes: number, logger: Logger): void {
  if (bytes <= WARNED_BYTES || warned.has(logger)) return;
  warned.add(logger);
  logger.warn(
    `Proxies may reject the session cookie: it is ${bytes} bytes, and nginx answers 502 where all headers of a ` +
      `response are more than ${NGINX_BUFFER}; raise its proxy_buffer_size, or keep less in the session`,
  );
}
