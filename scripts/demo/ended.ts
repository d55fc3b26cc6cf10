import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { DemoEnv } from "./context.ts";

/** After how many milliseconds a browser connects again. */
const RETRY = 5000;

/**
 * An event stream that says when the session ends, and why.
 *
 * @param stopping Aborts when the server stops, which waits for all streams.
 */
export function ended(c: Context<DemoEnv>, stopping: AbortSignal): Response {
  // A browser does not ask again then.
  if (c.session.subject === undefined) return c.body(null, 204);
  return streamSSE(c, async (stream) => {
    const isOver = Promise.withResolvers<void>();
    const either = AbortSignal.any([c.session.ended, stopping]);
    either.addEventListener("abort", () => isOver.resolve());
    stream.onAbort(isOver.resolve);
    await stream.writeSSE({ event: "open", data: "", retry: RETRY });
    await isOver.promise;
    if (c.session.ended.aborted) {
      await stream.writeSSE({ event: "ended", data: c.session.ended.reason });
    }
  });
}
