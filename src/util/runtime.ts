/** Whether this is Workers, where timers and streams belong to one request and end with it. */
export const isWorkers: boolean = globalThis.navigator?.userAgent === "Cloudflare-Workers";

export const isDeno: boolean = globalThis.navigator?.userAgent?.startsWith("Deno/") === true;

/** Lets the process end before a timer has fired, where timers keep it alive. */
export function unref(timer: ReturnType<typeof setTimeout>): void {
  (timer as { unref?(): unknown }).unref?.();
}
